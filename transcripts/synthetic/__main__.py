"""``python -m transcripts.synthetic PATH [--seed N] [--count N]``: writes synthetic records as JSONL."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from .demo import SEED, write_demo, write_jsonl
from .long import long_records


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m transcripts.synthetic",
        description="Write the demo study's synthetic records as JSONL, or long ones for measurements.",
    )
    parser.add_argument("path", help="file to write; an existing one is replaced")
    parser.add_argument("--seed", type=int, default=SEED, help="same seed, same bytes (default: %(default)s)")
    parser.add_argument("--count", type=int, help="write this many long records instead of the demo study")
    given = parser.parse_args(arguments)
    if given.count is None:
        written = write_demo(given.path, given.seed)
    else:
        written = write_jsonl(given.path, long_records(given.count, given.seed))
    sys.stdout.write(f"{given.path}: {written} synthetic records\n")


if __name__ == "__main__":
    main()
