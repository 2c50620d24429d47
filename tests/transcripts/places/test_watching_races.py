"""Two beats that look through the same folder, as real processes."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.db.models import F

from tests import make
from transcripts.models import Fetch

pytestmark = pytest.mark.usefixtures("committed")

LOOK = """
import django; django.setup()
from afdash.addresses import Folder, PlaceSetting, Watched
from django.conf import settings
from pathlib import Path
import sys
settings.AFDASH_PLACES = {"mount": PlaceSetting("mount", Folder(Path(sys.argv[1])))}
settings.AFDASH_WATCHED = [Watched(sys.argv[2], "mount", "")]
from transcripts.ingest.places import watching
for _ in range(5):
    watching.look()
"""


def test_two_beats_at_once_take_each_file_once(tmp_path: Path) -> None:
    make.study("watched")
    folder = tmp_path / "mount"
    folder.mkdir()
    for number in range(200):
        (folder / f"{number}.jsonl").write_bytes(b"{}")
        os.utime(folder / f"{number}.jsonl", (1, 1))
    for _ in range(2):
        beats = [subprocess.Popen([sys.executable, "-c", LOOK, str(folder), "watched"]) for _ in range(2)]
        assert [beat.wait(60) for beat in beats] == [0, 0]
        Fetch.objects.update(created_at=F("created_at") - timedelta(seconds=60))
    assert Fetch.objects.filter(state="queued").count() == 200
    assert Fetch.objects.count() == 200
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")
        assert cursor.fetchone() == (0,)
