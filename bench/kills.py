"""Kills a worker's processes at random while it ingests, and counts what became of the records.

``python -m bench.kills --kills 200 --records 30000``: servers of its own, a worker as the supervisor starts
it. Each kill is SIGKILL to the main process, a process of the pool, a parser or the beat. After it the
time is taken until the next batch is committed. A file that is through is followed by the next one.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from contextlib import suppress
from itertools import chain
from pathlib import Path

import psutil

from bench.__main__ import ROOT, start_servers

LONGEST_SECONDS = 15.0
KINDS = ("main", "pool", "parser", "beat")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.kills", description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--records", type=int, default=30_000, help="in each file")
    parser.add_argument("--lease", type=int, help="AFDASH_LEASE_SECONDS of the worker; else its default")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if options.lease:
        os.environ["AFDASH_LEASE_SECONDS"] = str(options.lease)
    else:
        os.environ.pop("AFDASH_LEASE_SECONDS", None)
    with tempfile.TemporaryDirectory(prefix="afdash-kills-") as folder:
        servers = start_servers(Path(folder))
        try:
            import django

            django.setup()
            is_right = Kills(Path(folder), options).run()
        finally:
            from django.db import connections

            connections.close_all()
            for server in servers:
                server.stop()
    sys.exit(0 if is_right else 1)


class Kills:
    def __init__(self, folder: Path, options: argparse.Namespace) -> None:
        from afdash.supervisor.commands import programs
        from transcripts.synthetic import long_records, write_jsonl

        self.options = options
        self.chance = random.Random(options.seed)
        self.path = folder / "long.jsonl"
        write_jsonl(self.path, long_records(options.records, seed=options.seed, median_chars=600))
        self.command = next(p.command for p in programs(0, folder) if p.name == "worker")
        self.log = (folder / "worker.log").open("ab")
        self.studies = 0
        self.ingest_ids: list[int] = []
        self.seconds: dict[str, list[float]] = defaultdict(list)

    def run(self) -> bool:
        self.start_worker()
        self.next_ingest()
        started = time.monotonic()
        kills = 0
        while kills < self.options.kills:
            self.wait_for_progress()
            time.sleep(self.chance.uniform(0, 0.4))
            if self.kill(self.chance.choice(KINDS)):
                kills += 1
                if not kills % 20:
                    print(f"{kills} kills, {time.monotonic() - started:.0f} s", flush=True)
        for pk in self.ingest_ids:
            self.wait_until_done(pk)
        self.worker.terminate()
        self.worker.wait(30)
        return self.report()

    def start_worker(self) -> None:
        self.worker = subprocess.Popen(
            self.command, cwd=ROOT, stdout=self.log, stderr=self.log, start_new_session=True
        )

    def next_ingest(self) -> None:
        from transcripts.ingest import queue, sources
        from transcripts.models import Study

        self.studies += 1
        study = Study.objects.create(slug=f"kills-{self.studies}", name="kills")
        with self.path.open("rb") as stream:
            source = sources.keep(study, stream, self.path.name, None)
        self.ingest_ids.append(queue.request_ingest(source, user=None, options={}).pk)

    def read(self) -> int:
        from django.db.models import Sum

        from transcripts.models import IngestChunk

        return IngestChunk.objects.aggregate(n=Sum("read", default=0))["n"]

    def wait_for_progress(self) -> float:
        """Until the next batch is committed; with a next file when this one is through."""
        from transcripts.models import Ingest

        started, before = time.monotonic(), self.read()
        while self.read() == before:
            if not Ingest.objects.filter(state__in=Ingest.ACTIVE).exists():
                self.next_ingest()
                started = time.monotonic()
            if time.monotonic() - started > 120:
                raise SystemExit("Nothing was committed for two minutes: stuck.")
            time.sleep(0.02)
        return time.monotonic() - started

    def kill(self, kind: str) -> bool:
        victims = self.processes()[kind]
        if not victims:
            return False
        victim = self.chance.choice(victims)
        try:
            victim.kill()
        except psutil.NoSuchProcess:
            return False
        if kind == "main":
            self.worker.wait()
            # What the supervisor does when a program has ended: the rest of its group, then a new one.
            with suppress(ProcessLookupError):
                os.killpg(self.worker.pid, 9)
            self.start_worker()
        self.seconds[kind].append(self.wait_for_progress())
        return True

    def processes(self) -> dict[str, list[psutil.Process]]:
        found: dict[str, list[psutil.Process]] = {kind: [] for kind in KINDS}
        try:
            main_process = psutil.Process(self.worker.pid)
            found["main"].append(main_process)
            for child in main_process.children():
                parsers = [p for p in child.children() if "transcripts.jail" in p.cmdline()]
                found["parser"] += parsers
                # The beat is forked from the main process too, and has nothing below it.
                found["pool" if parsers else "beat"].append(child)
        except psutil.NoSuchProcess:
            pass
        # A process of the pool that has not read anything yet looks like a beat: the oldest is neither.
        found["beat"] = found["beat"] if len(found["beat"]) == 1 else []
        return found

    def wait_until_done(self, pk: int) -> None:
        from transcripts.models import Ingest

        end = time.monotonic() + 300
        while Ingest.objects.get(pk=pk).is_active:
            if time.monotonic() > end:
                raise SystemExit(f"Ingest {pk} does not end.")
            time.sleep(0.1)

    def report(self) -> bool:
        from django.conf import settings

        from transcripts.ingest import queue
        from transcripts.models import Ingest, Transcript, TranscriptBody

        print("\n| killed | times | until the next batch, median s | longest s |\n|---|---|---|---|")
        for kind, seconds in {**self.seconds, "all": [*chain(*self.seconds.values())]}.items():
            print(f"| {kind} | {len(seconds)} | {statistics.median(seconds):.1f} | {max(seconds):.1f} |")
        expected = self.studies * self.options.records
        rows = Transcript.objects.count()
        identities = Transcript.objects.values("pair", "arm", "sample").distinct().count()
        ingests = [Ingest.objects.get(pk=pk) for pk in self.ingest_ids]
        counts = [queue.progress(ingest).counts for ingest in ingests]
        whole = {
            "read": self.options.records,
            "created": self.options.records,
            "duplicate": 0,
            "rejected": 0,
        }
        longest = max(seconds for kind in self.seconds.values() for seconds in kind)
        checks = {
            f"{rows:,} transcripts of {expected:,} records": rows == expected,
            f"{TranscriptBody.objects.count():,} bodies": TranscriptBody.objects.count() == expected,
            f"{identities:,} identities": identities == expected,
            "counters add up to the records": all(count == whole for count in counts),
            "every ingest is done": all(ingest.state == Ingest.State.DONE for ingest in ingests),
            f"every kill resumed within {LONGEST_SECONDS:.0f} s": longest < LONGEST_SECONDS,
        }
        print(
            f"\nlease {settings.AFDASH_LEASE_SECONDS} s, {len(ingests)} files, longest pause {longest:.1f} s"
        )
        for what, holds in checks.items():
            print(f"{'yes' if holds else 'NO '} {what}")
        return all(checks.values())


if __name__ == "__main__":
    main()
