"""`python -m afdash.supervisor run`, and `… servers -- COMMAND` to run a command with the servers at hand."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys

from afdash import env
from afdash.embedded import EmbeddedServerError

from .run import Supervisor
from .servers import servers_for_command
from .state import data_folder


def main(arguments: list[str] | None = None) -> int:
    """The exit code: of the run, or of the command that was run."""
    parser = argparse.ArgumentParser(prog="python -m afdash.supervisor", description=__doc__)
    commands = parser.add_subparsers(dest="what", required=True)
    commands.add_parser("run", help="run afdash until Ctrl-C")
    servers = commands.add_parser("servers", help="run a command with PostgreSQL and Redis started for it")
    servers.add_argument("command", nargs="+", metavar="COMMAND")
    chosen = parser.parse_args(arguments)
    try:
        if chosen.what == "run":
            help = "Port of the web server on 127.0.0.1; 0 means any free one."
            port = env.integer("AFDASH_PORT", 8000, help, minimum=0, maximum=65535)
            return Supervisor(data_folder(), port).run()
        with servers_for_command() as environment:
            return _run(chosen.command, {**os.environ, **environment})
    except (env.BadSetting, EmbeddedServerError) as error:
        print(error, file=sys.stderr)
        return 1
    except PermissionError as error:
        print(f"afdash may not use {error.filename}: it belongs to another user.", file=sys.stderr)
        return 1


def _run(command: list[str], environment: dict[str, str]) -> int:
    # The command shares our terminal and gets Ctrl-C itself; the servers stop after it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        process = subprocess.Popen(command, env=environment, preexec_fn=_default_interrupt)
    except OSError as error:
        print(f"{command[0]} cannot be run: {error.strerror}.", file=sys.stderr)
        return 127
    signal.signal(signal.SIGTERM, lambda number, frame: process.terminate())
    code = process.wait()
    return code if code >= 0 else 128 - code


def _default_interrupt() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


if __name__ == "__main__":
    sys.exit(main())
