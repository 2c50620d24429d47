from __future__ import annotations

import os
import subprocess
import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from afdash import env, grants


class Command(BaseCommand):
    help = (
        "Bring the database up to date as the role that owns it, and give the application's role its rights."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--if-needed",
            action="store_true",
            help="do nothing if all migrations are applied and the rights are as they should be",
        )

    def _is_up_to_date(self) -> bool:
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            return False
        return grants.are_held_by(connection.settings_dict["USER"])

    def _refuse_an_owner(self, role: str) -> None:
        """Before anything is changed: rights taken from the owner would stop the next migration."""
        owned = grants.owned_by(role)
        if owned:
            what = f"owns or may take over {len(owned)} tables (such as {owned[0]})"
        elif grants.could_become_the_owner(role):
            what = "is the owner of the tables, or may act as it"
        else:
            return
        self.stderr.write(
            f"The role {role} {what}, so it could switch off the triggers that protect labels. Nothing was "
            "changed. Give DATABASE_URL another role than DATABASE_OWNER_URL."
        )
        raise SystemExit(1)

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.AS_OWNER:
            if options["if_needed"] and self._is_up_to_date():
                self.stdout.write("The database is up to date.")
                return
            # Settings choose the role when they are read, so the owner's work is a process of its own.
            result = subprocess.run(
                [sys.executable, str(settings.BASE_DIR / "manage.py"), "migrate_and_grant"],
                env={**os.environ, "AFDASH_AS_OWNER": "1"},
                check=False,
            )
            if result.returncode:
                raise SystemExit(result.returncode)
            return
        role = str(env.postgres_parts(settings.DATABASE_URL)["USER"])
        self._refuse_an_owner(role)
        call_command("migrate", verbosity=0, interactive=False)
        grants.grant_to(role)
        self.stdout.write("The database is up to date.")
