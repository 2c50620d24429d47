from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand

from afdash import vendor_scripts


class Command(BaseCommand):
    help = (
        "Take third-party scripts out of installed packages and collect all static files under hashed names."
    )
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        vendor_scripts.build(settings.BUILT_DIR)
        stamp, wanted = settings.AFDASH_DATA_DIR / "static.sha256", _fingerprint()
        manifest = settings.STATIC_ROOT / "staticfiles.json"
        if not (manifest.exists() and stamp.exists() and stamp.read_text() == wanted):
            call_command("collectstatic", interactive=False, verbosity=0, clear=True)
            stamp.write_text(wanted)
        self.stdout.write("Static files are collected.")


def _fingerprint() -> str:
    """Changes whenever a static file does: the collecting takes seconds that most starts can do without."""
    digest = hashlib.sha256()
    for folder in map(Path, settings.STATICFILES_DIRS):
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                digest.update(f"{file.relative_to(folder)}\0".encode())
                digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()
