#!/usr/bin/env python
"""Django's commands, with the servers they need: those of a running afdash, or their own for the while."""

import os
import sys

from afdash.supervisor import servers_for_command


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "afdash.settings")
    with servers_for_command() as environment:
        os.environ.update(environment)
        from django.core.management import execute_from_command_line

        execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
