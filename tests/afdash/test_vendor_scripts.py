"""The scripts of other projects are built from the installed packages, once per version."""

import json
import shutil
from pathlib import Path

import pytest

from afdash import vendor_scripts


@pytest.fixture(scope="module")
def built_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("scripts")
    vendor_scripts.build(directory)
    return directory


@pytest.fixture
def built(built_once: Path, tmp_path: Path) -> Path:
    """The ``vendor`` directory of a fresh copy, as building takes two seconds."""
    return Path(shutil.copytree(built_once / "vendor", tmp_path / "vendor"))


def test_it_writes_vega_as_a_module_and_htmx_two(built):
    vega = (built / "vega.js").read_text()
    assert "export{" in vega[-200:].replace(" ", "")
    assert "as default" in vega[-200:]
    assert 500_000 < len(vega) < 1_500_000
    assert 'version:"2.' in (built / "htmx.min.js").read_text()
    assert {path.name for path in built.iterdir()} == {"vega.js", "htmx.min.js", "versions.json"}


def test_vega_asks_for_no_other_script(built):
    vega = (built / "vega.js").read_text()
    assert "sourceMappingURL" not in vega
    assert "import(" not in vega
    assert "import{" not in vega


def test_it_builds_again_only_for_other_versions(built, monkeypatch):
    built_at = (built / "vega.js").stat().st_mtime_ns
    monkeypatch.setattr(vendor_scripts, "_vega_bundle", lambda: "newer")

    vendor_scripts.build(built.parent)
    assert (built / "vega.js").stat().st_mtime_ns == built_at

    monkeypatch.setattr(vendor_scripts, "version", lambda package: "99.0")
    vendor_scripts.build(built.parent)
    assert (built / "vega.js").read_text() == "newer"
    assert json.loads((built / "versions.json").read_text())["django-htmx"] == "99.0"


@pytest.mark.parametrize("damage", ["vega.js", "htmx.min.js", "versions.json"])
def test_it_builds_again_if_a_file_is_missing(built, monkeypatch, damage):
    monkeypatch.setattr(vendor_scripts, "_vega_bundle", lambda: "rebuilt")
    (built / damage).unlink()

    vendor_scripts.build(built.parent)
    assert (built / "vega.js").read_text() == "rebuilt"
    assert (built / damage).is_file()


def test_a_broken_versions_file_is_no_obstacle(built, monkeypatch):
    monkeypatch.setattr(vendor_scripts, "_vega_bundle", lambda: "rebuilt")
    (built / "versions.json").write_text("{")

    vendor_scripts.build(built.parent)
    assert (built / "vega.js").read_text() == "rebuilt"
