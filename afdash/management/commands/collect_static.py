from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand

from afdash import vendor_scripts


class Command(BaseCommand):
    help = (
        "Take third-party scripts out of installed packages and collect all static files under hashed names."
    )
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        vendor_scripts.build(settings.BUILT_DIR)
        call_command("collectstatic", interactive=False, verbosity=0)
        self.stdout.write("Static files are collected.")
