"""A disk of the database that is really full. Needs the right to mount."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.urls import reverse

from tests import make, servers
from tests.transcripts.faults.running import is_over, queued, superuser, until_resumed, until_whole
from tests.transcripts.test_worker import wait_for
from transcripts.models import Ingest


@contextmanager
def small_disk(megabytes: int) -> Iterator[Path]:
    """A folder of the database's account, on a file system of this size."""
    folder = servers.SERVERS.directory / "small"
    folder.mkdir()
    options = f"size={megabytes}m,mode=0700"
    account = servers.SERVERS.postgres.account
    if account:
        options += f",uid={account.uid},gid={account.gid}"
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], capture_output=True
    )
    if mounted.returncode:
        folder.rmdir()
        pytest.skip("needs the right to mount; test_what_passes_is_waited_for[no_room] proves the same")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)
        shutil.rmtree(folder, ignore_errors=True)


def test_a_disk_that_is_really_full(worker, client_of) -> None:
    with small_disk(24) as folder, superuser() as own:
        own.execute("SET lock_timeout = '20s'")
        own.execute(f"CREATE TABLESPACE small LOCATION '{folder}'")
        own.execute("ALTER TABLE transcripts_transcriptbody SET TABLESPACE small")
        filler = next(folder.iterdir()) / "filler"
        try:
            room = shutil.disk_usage(folder).free
            with filler.open("wb") as file:
                file.write(b"\0" * (room - (256 << 10)))
            row = queued(20_000)
            wait_for(lambda: Ingest.objects.get(pk=row.pk).error, 30, "the notice")
            lead = client_of(make.member(row.study, "lena", "lead"))
            page = lead.get(reverse("ingest_detail", args=[row.study.slug, row.pk])).content.decode()
            assert "Waiting for disk space" in page
            time.sleep(4)
            assert not is_over(row)
            filler.unlink()
            until_resumed(row)
            until_whole(row, 20_000)
        finally:
            filler.unlink(missing_ok=True)
            own.execute("ALTER TABLE transcripts_transcriptbody SET TABLESPACE pg_default")
            own.execute("DROP TABLESPACE small")
