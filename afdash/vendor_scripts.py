"""Third-party browser scripts, taken out of the installed Python packages.

Nothing of theirs is kept in the repository: ``vl-convert-python`` bundles Vega, and
``django-htmx`` ships htmx. They are written below a directory that the static files finder
knows, so a page asks for ``vendor/vega.js`` and ``vendor/htmx.min.js``.
"""

from __future__ import annotations

import json
import os
import tempfile
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

RECIPE = 1  # raise it when what is written below changes while the packages stay the same
PACKAGES = ("vl-convert-python", "django-htmx")
SCRIPTS = ("vega.js", "htmx.min.js")
VEGA_LITE = "6.4"
# Only what chart.js imports is exported, so the bundler drops the rest.
VEGA_EXPORTS = "export default vegaEmbed;"


def build(directory: Path) -> None:
    """Write ``vendor/`` below ``directory``, unless it was written by the same package versions.

    Takes about two seconds when there is something to do. Files are replaced whole, so a server
    that is reading them never sees half of one, and two processes may build at once.
    """
    vendor = directory / "vendor"
    wanted = {"recipe": str(RECIPE)} | {package: version(package) for package in PACKAGES}
    if _written(vendor) == wanted:
        return
    vendor.mkdir(parents=True, exist_ok=True)
    _replace(vendor / "vega.js", _vega_bundle())
    _replace(vendor / "htmx.min.js", _htmx_file().read_text(encoding="utf-8"))
    _replace(vendor / "versions.json", json.dumps(wanted, indent=1) + "\n")  # last: it vouches for the others


def _vega_bundle() -> str:
    # Imported here because it loads a 60 MB library, which a start with nothing to build can do without.
    import vl_convert

    return vl_convert.javascript_bundle(VEGA_EXPORTS, vl_version=VEGA_LITE)


def _htmx_file() -> Path:
    """Found without importing the package, which would want configured settings."""
    spec = find_spec("django_htmx")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("django-htmx is not installed, so there is no htmx to copy")
    return Path(spec.origin).parent / "static" / "django_htmx" / "htmx-2.min.js"


def _written(vendor: Path) -> dict[str, str] | None:
    try:
        written = json.loads((vendor / "versions.json").read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return written if all((vendor / script).is_file() for script in SCRIPTS) else None


def _replace(path: Path, text: str) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(name, 0o644)  # mkstemp keeps it private, but a web server of another user serves it
    os.replace(name, path)
