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
        call_command("migrate", verbosity=0, interactive=False)
        role = str(env.postgres_parts(settings.DATABASE_URL)["USER"])
        grants.grant_to(role)
        owned = grants.owned_by(role)
        if owned:
            self.stderr.write(
                f"The role {role} owns or may take over {len(owned)} tables (such as {owned[0]}), so it could "
                "switch off the triggers that protect labels. Give DATABASE_URL another role than DATABASE_OWNER_URL."
            )
            raise SystemExit(1)
        self.stdout.write("The database is up to date.")
