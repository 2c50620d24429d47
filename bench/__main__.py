"""Runs every measurement on servers of its own and writes the table into docs/performance.md."""

from __future__ import annotations

import argparse
import os
import platform
import secrets
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument(
        "--records", type=int, action="append", metavar="N", help="corpus sizes; 10000 and 100000"
    )
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument(
        "--large", type=int, default=1_000_000, help="the large study that one record goes into"
    )
    parser.add_argument("--real", type=Path, default=ROOT.parent / "shared/data", help="folder of real runs")
    parser.add_argument(
        "--pages-only", action="store_true", help="one ingest of the largest corpus, then pages"
    )
    parser.add_argument("--print-only", action="store_true", help="leave docs/performance.md as it is")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="afdash-bench-") as folder:
        servers = start_servers(Path(folder))
        try:
            import django

            django.setup()
            from bench.measurements import measure, measure_pages

            sizes = options.records or [10_000, 100_000]
            real = options.real if options.real.is_dir() else None
            if options.pages_only:
                rows = measure_pages(Path(folder), sizes[-1])
            else:
                rows = measure(Path(folder), sizes, options.repeats, options.large, real)
        finally:
            from django.db import connections

            connections.close_all()
            for server in servers:
                server.stop()
    table = _table(rows, options.repeats)
    print(table)
    if not (options.print_only or options.pages_only):
        page = ROOT / "docs/performance.md"
        text = page.read_text(encoding="utf-8")
        before, rest = text.split(BEGIN)
        page.write_text(f"{before}{BEGIN}\n{table}\n{END}{rest.split(END)[1]}", encoding="utf-8")


def start_servers(folder: Path) -> list:
    from afdash.embedded.postgres import APP, OWNER, EmbeddedPostgres
    from afdash.embedded.redis import EmbeddedRedis

    postgres, redis = EmbeddedPostgres(folder / "postgres"), EmbeddedRedis(folder / "redis")
    postgres.start()
    redis.start()
    postgres.ensure_database("afdash_bench")
    os.environ.update(
        DJANGO_SETTINGS_MODULE="afdash.settings",
        AFDASH_LOCAL="1",
        AFDASH_DATA_DIR=str(folder),
        AFDASH_SECRET_KEY=secrets.token_urlsafe(60),
        DATABASE_URL=postgres.url(APP, "afdash_bench"),
        DATABASE_OWNER_URL=postgres.url(OWNER, "afdash_bench"),
        REDIS_URL=redis.broker_url(),
    )
    for command in ("migrate_and_grant", "collect_static"):
        subprocess.run(
            [sys.executable, "manage.py", command], cwd=ROOT, check=True, stdout=subprocess.DEVNULL
        )
    return [redis, postgres]


def _table(rows: list[tuple[str, str, str]], repeats: int) -> str:
    machine = f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}"
    head = f"{datetime.now(UTC):%Y-%m-%d}, {machine}; synthetic transcripts, {repeats} repeats.\n"
    lines = ["| what | median | lowest to highest |", "|---|---|---|"]
    return "\n".join([head, *lines, *(f"| {what} | {median} | {spread} |" for what, median, spread in rows)])


if __name__ == "__main__":
    main()
