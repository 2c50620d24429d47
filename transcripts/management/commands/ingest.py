"""``manage.py ingest PATH… --study SLUG``: the same code path as the upload page and the API."""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
from django.core.management.base import BaseCommand, CommandError
from django.db.models import Count

from transcripts.ingest import mappings, queue, sources
from transcripts.ingest.dry_run import dry_run
from transcripts.ingest.options import BadOption, clean
from transcripts.ingest.work import advance
from transcripts.models import Ingest, Source, Study
from transcripts.models.study import SLUG

# With no worker for this long, --wait does the work itself.
PATIENCE_SECONDS = 10.0
SHOWN = 10  # findings and rejects per file


def files_under(paths: list[str], left_out: list[str]) -> Iterator[tuple[Path, str]]:
    """Regular files with the name we keep: of a folder's files, the path below the folder's parent.

    What is in a folder and no regular file is added to ``left_out``, each a line with its reason.
    """
    for given in paths:
        path = Path(given)
        if path.is_dir():
            for file in sorted(path.rglob("*")):
                if file.is_symlink():  # it may lead out of the folder that was given
                    left_out.append(f"{file}: a symbolic link, which is not followed.")
                elif file.is_file():
                    yield file, str(file.relative_to(path.resolve().parent) if path.is_absolute() else file)
                elif not file.is_dir():
                    left_out.append(f"{file}: a pipe, socket or device, not a file.")
        elif path.is_file():
            yield path, f"{path.resolve().parent.name}/{path.name}"
        else:
            raise CommandError(f"There is no file or folder {given!r}.")


def table(ingests: list[Ingest]) -> Iterator[str]:
    """Lines: each file with its reader, counts and findings; the parts of an archive below it."""
    rows = [("file", "state", "reader", "read", "created", "duplicate", "rejected")]
    told: list[list[str]] = [[]]
    for ingest in ingests:
        parts = ingest.parts.select_related("source").order_by("pk")
        for row, indent in [(ingest, ""), *((part, "  ") for part in parts)]:
            counts = queue.progress(row).counts
            name = indent + printable(row.source.name)
            rows.append(
                (name, row.state.replace("_", " "), row.reader or "–", *(f"{n:,}" for n in counts.values()))
            )
            kinds = row.findings.values_list("kind").annotate(n=Count("id")).order_by("kind")
            first = {kind: row.findings.filter(kind=kind)[0].message for kind, _ in kinds}
            told.append([f"{indent}    {kind} × {n:,}: {printable(first[kind])[:200]}" for kind, n in kinds])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row, lines in zip(rows, told, strict=True):
        words = [cell.ljust(width) for cell, width in zip(row[:3], widths, strict=False)]
        numbers = [cell.rjust(width) for cell, width in zip(row[3:], widths[3:], strict=True)]
        yield "  ".join([*words, *numbers])
        yield from lines


def printable(text: str) -> str:
    """Text of a file's, which must not steer the terminal."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def _asked_for(source: Source, options: dict[str, Any], takes_proposed: bool) -> Ingest:
    """An ingest of the source: the one that waits for the mapping given now, else a new one. Raises BusySource."""
    mapping = options.get("mapping") or {}
    waiting = Ingest.objects.filter(source=source, container=None, state=Ingest.State.NEEDS_MAPPING).first()
    if waiting and takes_proposed:
        return waiting
    if waiting and mapping.get("fields") and mappings.choose(waiting, mapping, None):
        return waiting
    return queue.request_ingest(source, user=None, options=options)


def _with_parts(ingests: list[Ingest]) -> list[Ingest]:
    parts = Ingest.objects.filter(container__in=[row.pk for row in ingests]).select_related("source")
    return [*parts.order_by("pk"), *ingests]


def _mapping_text(given: str | None) -> str | None:
    """The mapping, read from a file if it is given as @FILE."""
    if not given or not given.startswith("@"):
        return given
    try:
        return Path(given[1:]).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"The mapping cannot be read from {given[1:]!r}: {error}") from error


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()


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
        parser.add_argument(
            "--mapping",
            help='JSON, as {"outcomes": {"judge": {"C": "complied"}}}; @FILE to read it from a file; or "proposed": '
            "take the mapping that is proposed where a file needs one",
        )
        parser.add_argument("--wait", action="store_true", help="wait until all is ingested, with progress")
        parser.add_argument("--dry-run", action="store_true", help="read and report, write nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        takes_proposed = options["mapping"] == "proposed"
        try:
            chosen = clean(
                {**options, "mapping": None if takes_proposed else _mapping_text(options["mapping"])}
            )
        except BadOption as error:
            raise CommandError(str(error)) from error
        left_out: list[str] = []
        files = list(files_under(options["paths"], left_out))
        for line in left_out:
            self.stderr.write(f"Left out: {printable(line)}")
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
                ingests.append(_asked_for(source, chosen, takes_proposed))
            except queue.BusySource as error:
                raise CommandError(f"{name!r}: {error}") from error
        self.stdout.write(f"{len(ingests)} file{'s' if len(ingests) != 1 else ''} queued in {study.slug}.")
        if options["wait"]:
            self._wait([ingest.pk for ingest in ingests], takes_proposed)
        elif takes_proposed:
            self.stdout.write(
                "“--mapping proposed” needs --wait: a proposal comes when a file has been looked at."
            )
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
            for found in dry_run(path, name, options):
                if found.seen is None:
                    self.stdout.write(f"{found.name!r}: refused. {found.problem}")
                    if found.proposal:
                        self.stdout.write(f"    proposed mapping: {_json(found.proposal['mapping'])}")
                    continue
                seen = found.seen
                self.stdout.write(
                    f"{found.name!r}: {seen.reader}, {seen.records} records, {seen.rejects} rejects; "
                    f"arms {dict(seen.arms)}; models {dict(seen.models)}"
                )
                for message, n in Counter(seen.findings).most_common(SHOWN):
                    self.stdout.write(f"    finding: {message}{f' ({n} times)' if n > 1 else ''}")

    def _wait(self, ids: list[int], takes_proposed: bool) -> None:
        started = seen_worker = time.monotonic()
        working_here = False
        rows = Ingest.objects.filter(pk__in=ids).select_related("source").order_by("pk")
        while True:
            ingests = list(rows.all())  # asked anew each time
            self._bar(ingests, started)
            if takes_proposed and self._take_proposed(ingests):
                continue
            active = [row for row in _with_parts(ingests) if row.is_active]
            if not active:
                break
            if working_here:
                for row in active:
                    advance(row.pk, seconds=2.0)
                continue
            if queue.worker_is_running():
                seen_worker = time.monotonic()
            elif time.monotonic() - seen_worker > PATIENCE_SECONDS:
                self.stderr.write("\nNo worker is running; doing the work here.")
                working_here = True
            time.sleep(0.3)
        if sys.stderr.isatty():
            self.stderr.write("")
        self._end(ingests)

    def _take_proposed(self, ingests: list[Ingest]) -> bool:
        """Accept the proposals that wait; whether anything goes on because of it."""
        goes_on = False
        for row in _with_parts(ingests):
            mapping = (row.proposal or {}).get("mapping") or {}
            if row.state == Ingest.State.NEEDS_MAPPING and mapping.get("fields") and not row.is_container:
                goes_on |= mappings.choose(row, mapping, None)
        return goes_on

    def _end(self, ingests: list[Ingest]) -> None:
        for row in ingests:
            for each in [row, *row.parts.select_related("source").order_by("pk")]:
                self._report(each)
        self.stdout.write("")
        for line in table(ingests):
            self.stdout.write(line)
        failed = sum(row.state == Ingest.State.FAILED for row in ingests)
        unmapped = sum(row.state == Ingest.State.NEEDS_MAPPING for row in ingests)
        if failed:
            raise CommandError(f"{failed} of {len(ingests)} files were refused or failed; see above.")
        if unmapped:
            raise CommandError(f"{unmapped} of {len(ingests)} files need a mapping; see above.")

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
        """What a table cannot hold: why a file failed, its rejects, and how to go on."""
        if not (ingest.error or ingest.rejects.exists()):
            return
        self.stdout.write(f"{ingest.source.name!r}: {ingest.state.replace('_', ' ')}")
        if ingest.error:
            self.stdout.write(f"    {ingest.error}")
        if ingest.state == Ingest.State.NEEDS_MAPPING and ingest.proposal:
            mapping = ingest.proposal.get("mapping") or {"fields": {"prompt": "…", "response": "…"}}
            self.stdout.write(f"    proposed mapping: {_json(mapping)}")
            self.stdout.write(
                "    To go on: run this again with --mapping proposed --wait, with --mapping @FILE holding a mapping "
                "like this one, or use the ingest's page, which shows a preview."
            )
        for reject in ingest.rejects.all()[:SHOWN]:
            self.stdout.write(f"    rejected: {reject.position!r}: {reject.message}")
        rejected = ingest.rejects.count()
        if rejected > SHOWN:
            self.stdout.write(f"    … and {rejected - SHOWN:,} more; the ingest's page has all.")
