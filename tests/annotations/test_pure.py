"""The modules that think need no Django, so that they can be tested, and used, by themselves."""

from __future__ import annotations

import subprocess
import sys

import pytest

PURE = [
    *("codebook", "codebook_yaml", "codebook_form", "codebook_changes", "shipped_codebooks"),
    *("answers", "spans", "payload", "masking", "sampling", "ordering", "disagreement", "expected"),
    *("agreement.coefficients", "agreement.resampling", "compliance", "bootstrap"),
]


@pytest.mark.parametrize("name", PURE)
def test_what_thinks_needs_no_django(name):
    code = f"import sys, annotations.{name}; assert 'django' not in sys.modules, 'django was imported'"
    subprocess.run([sys.executable, "-c", code], check=True)
