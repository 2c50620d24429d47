"""``manage.py ingest PATH… --study SLUG``: the same code path as the upload page and the API."""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from transcripts.ingest import queue, sources
from transcripts.ingest.options import BadOption, clean
from transcripts.ingest.preview import preview
from transcripts.ingest.work import advance
from transcripts.models import Ingest, Study
from transcripts.models.study import SLUG
from transcripts.records import UnreadableSource

# With no worker for this long, --wait does the work itself.
PATIENCE_SECONDS = 10.0
SHOWN = 10  # findings and rejects per file


def files_under(paths: list[str]) -> Iterator[tuple[Path, str]]:
    """Regular files with the name we keep: of a folder's files, the path below the folder's parent."""
    for given in paths:
        path = Path(given)
        if path.is_dir():
            for file in sorted(path.rglob("*")):
                # Symbolic links are not followed: they may lead out of the folder that was given.
                if file.is_file() and not file.is_symlink():
                    yield file, str(file.relative_to(path.resolve().parent) if path.is_absolute() else file)
        elif path.is_file():
            yield path, f"{path.resolve().parent.name}/{path.name}"
        else:
            raise CommandError(f"There is no file or folder {given!r}.")


class Command(BaseCommand):
    help = "Ingest files or folders of model runs into a study."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("paths", nargs="+", metavar="PATH")
        parser.add_argument("--study", required=True, metavar="SLUG", help="made if it does not exist")
        parser.add_argument("--arm", help="the arm of all records, as a name or a role")
        parser.add_argument("--role", help="monitored, unmonitored or other, for an arm of your naming")
        parser.add_argument("--model", help="the model, where the files do not say it or say it wrongly")
        parser.add_argument("--setting", help="the setting (prompting, fine-tune) of the run")
        parser.add_argument("--format", help="the reader to use, instead of recognising the format")
        parser.add_argument("--mapping", help='JSON, as {"outcomes": {"judge": {"C": "complied"}}}')
        parser.add_argument("--wait", action="store_true", help="wait until all is ingested, with progress")
        parser.add_argument("--dry-run", action="store_true", help="read and report, write nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            chosen = clean(options)
        except BadOption as error:
            raise CommandError(str(error)) from error
        files = list(files_under(options["paths"]))
        if not files:
            raise CommandError("There is no file in what you named.")
        if options["dry_run"]:
            self._dry_run(files, chosen)
            return
        study = self._study(options["study"])
        ingests = []
        for path, name in files:
            with path.open("rb") as stream:
                source = sources.keep(study, stream, name, None)
            try:
                ingests.append(queue.request_ingest(source, user=None, options=chosen))
            except queue.BusySource as error:
                raise CommandError(f"{name!r}: {error}") from error
        self.stdout.write(f"{len(ingests)} file{'s' if len(ingests) != 1 else ''} queued in {study.slug}.")
        if options["wait"]:
            self._wait([ingest.pk for ingest in ingests])
        elif not queue.worker_is_running():
            self.stdout.write("No worker is running now: start one (make run), or use --wait to do it here.")

    def _study(self, slug: str) -> Study:
        try:
            SLUG(slug)
        except Exception as error:
            raise CommandError(f"{slug!r} cannot be a study's name in addresses. {SLUG.message}") from error
        study, created = Study.objects.get_or_create(
            slug=slug, defaults={"name": slug.replace("-", " ").capitalize()}
        )
        if created:
            self.stdout.write(
                f"The study {slug} is new. Its only member is the admin until somebody is added."
            )
        return study

    def _dry_run(self, files: list[tuple[Path, str]], options: dict[str, Any]) -> None:
        for path, name in files:
            try:
                seen = preview(path, name, options)
            except UnreadableSource as error:
                self.stdout.write(f"{name!r}: refused. {error}")
                continue
            self.stdout.write(
                f"{name!r}: {seen.reader}, {seen.records} records, {seen.rejects} rejects; "
                f"arms {seen.arms}; models {seen.models}"
            )
            for message in seen.findings:
                self.stdout.write(f"    finding: {message}")

    def _wait(self, ids: list[int]) -> None:
        started = seen_worker = time.monotonic()
        working_here = False
        rows = Ingest.objects.filter(pk__in=ids).select_related("source").order_by("pk")
        while True:
            ingests = list(rows.all())  # asked anew each time
            active = [ingest for ingest in ingests if ingest.is_active]
            self._bar(ingests, started)
            if not active:
                break
            if working_here:
                advance(active[0].pk, seconds=2.0)
                continue
            if queue.worker_is_running():
                seen_worker = time.monotonic()
            elif time.monotonic() - seen_worker > PATIENCE_SECONDS:
                self.stderr.write("\nNo worker is running; doing the work here.")
                working_here = True
            time.sleep(0.3)
        if sys.stderr.isatty():
            self.stderr.write("")
        failed = 0
        for ingest in ingests:
            self._report(ingest)
            failed += ingest.state == Ingest.State.FAILED
        if failed:
            raise CommandError(f"{failed} of {len(ingests)} files were refused or failed; see above.")

    def _bar(self, ingests: list[Ingest], started: float) -> None:
        if not sys.stderr.isatty():
            return
        sums = [queue.progress(ingest) for ingest in ingests]
        total = sum(p.bytes_total for p in sums) or 1
        done = sum(
            p.bytes_total if not ingest.is_active else p.bytes_done
            for p, ingest in zip(sums, ingests, strict=True)
        )
        filled = 30 * done // total
        self.stderr.write(
            f"\r[{'#' * filled}{'.' * (30 - filled)}] {100 * done // total:3d} %  "
            f"{sum(p.read for p in sums):,} read  {time.monotonic() - started:.0f} s ",
            ending="",
        )
        self.stderr.flush()

    def _report(self, ingest: Ingest) -> None:
        counts = queue.progress(ingest).counts
        line = f"{ingest.source.name!r}: {ingest.state.replace('_', ' ')}, " + ", ".join(
            f"{name} {number:,}" for name, number in counts.items()
        )
        self.stdout.write(f"{line} ({ingest.reader or 'not recognised'})")
        if ingest.error:
            self.stdout.write(f"    {ingest.error}")
        for finding in ingest.findings.filter(transcript=None)[:SHOWN]:
            self.stdout.write(f"    finding: {finding.message}")
        for reject in ingest.rejects.all()[:SHOWN]:
            self.stdout.write(f"    rejected: {reject.position!r}: {reject.message}")
        if counts["rejected"] > SHOWN:
            self.stdout.write(f"    … and {counts['rejected'] - SHOWN:,} more; the ingest's page has all.")
