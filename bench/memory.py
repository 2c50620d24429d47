"""How much memory a worker process and its parsers have, over every case of the corpus of bad inputs.

``python -m bench.memory``: servers of its own, and a real worker with one process. The kernel keeps the most that each
process had (VmHWM, set back before each case); the sum of these is never less than what the two had at one time.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from contextlib import closing, suppress
from pathlib import Path

import psutil

from bench.__main__ import ROOT, start_servers

MOST_MEGABYTES = 300
_PEAK = re.compile(r"VmHWM:\s*(\d+) kB")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.memory", description=__doc__)
    parser.add_argument("--only", default="", help="cases whose name holds this")
    options = parser.parse_args()
    os.environ["PYTHONPATH"] = str(ROOT)
    with tempfile.TemporaryDirectory(prefix="afdash-memory-") as folder:
        servers = start_servers(Path(folder))
        try:
            import django

            django.setup()
            found = measured(Path(folder), options.only)
        finally:
            from django.db import connections

            connections.close_all()
            for server in servers:
                server.stop()
    print("\n| case | worker MB | parsers MB | together |\n|---|---|---|---|")
    for worker, parsers, name in sorted(found, key=lambda row: -(row[0] + row[1]))[:15]:
        print(f"| {name} | {worker:.0f} | {parsers:.0f} | {worker + parsers:.0f} |")
    most = max(worker + parsers for worker, parsers, _ in found)
    print(f"\n{len(found)} files; together at most {most:.0f} MB")
    sys.exit(most >= MOST_MEGABYTES)


def measured(folder: Path, only: str) -> list[tuple[float, float, str]]:
    from tests.transcripts.corpus.test_corpus import CASES
    from transcripts.ingest import queue, sources
    from transcripts.models import Ingest, Study

    found = []
    with closing(Worker(folder)) as worker:
        for number, case in enumerate(case for case in CASES if only in case.id):
            study = Study.objects.create(slug=f"memory-{number}", name="memory")
            source = sources.adopt(study, case.make(folder), sources.display_name(case.file_name), None)
            worker.begin()
            row = queue.request_ingest(source, user=None, options=dict(case.options))
            while Ingest.objects.get(pk=row.pk).is_active:
                worker.look()
                time.sleep(0.01)
            found.append((*worker.most, case.id))
            with sources.local_path(source) as path:
                path.unlink(missing_ok=True)
    return found


class Worker:
    """A Celery worker with one process; ``most`` is what that process and its parsers had, in megabytes."""

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, "-m", "celery", "-A", "afdash", "worker", "--beat", "-Q", "ingest,fast"]
        command += ["--concurrency", "1", "--loglevel", "WARNING", "--schedule", str(folder / "beat")]
        self.log = (folder / "worker.log").open("ab")
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log, cwd=ROOT)
        self.main = psutil.Process(self.process.pid)
        self.most = (0.0, 0.0)

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(60)
        self.log.close()

    def begin(self) -> None:
        self.most = (0.0, 0.0)
        for process in self.main.children(recursive=True):
            with suppress(FileNotFoundError, ProcessLookupError):
                Path(f"/proc/{process.pid}/clear_refs").write_text("5")

    def look(self) -> None:
        with suppress(psutil.NoSuchProcess):
            for pool in self.main.children():
                parsers = sum(peak(process.pid) for process in pool.children(recursive=True))
                self.most = max(self.most, (peak(pool.pid), parsers), key=sum)


def peak(pid: int) -> float:
    """The most memory that a process had, in megabytes; 0 if it has ended."""
    with suppress(FileNotFoundError, ProcessLookupError):
        match = _PEAK.search(Path(f"/proc/{pid}/status").read_text())
        return int(match[1]) / 1024 if match else 0.0
    return 0.0


if __name__ == "__main__":
    main()
