from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand

from annotations.demo import create_demo, is_wanted


class Command(BaseCommand):
    help = "Everything before a start: migrations, rights, static files, and a demo study if the database is empty."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("migrate_and_grant", if_needed=True)
        call_command("collect_static")
        if is_wanted():
            self.stdout.write("Making a demo study of synthetic transcripts …")
            create_demo(
                settings.AFDASH_DATA_DIR / "credentials.json", f"http://127.0.0.1:{settings.AFDASH_PORT}/"
            )
            self.stdout.write("The demo study is ready.")
