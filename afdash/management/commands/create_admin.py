from __future__ import annotations

import getpass
import secrets
import sys
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from afdash.accounts.models import User


class Command(BaseCommand):
    help = "Create an admin, who may do everything in every study. This is how the first person gets in."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username")
        parser.add_argument(
            "--generate", action="store_true", help="make a random password and print it, instead of asking"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        username = options["username"]
        if User.objects.filter(username=username).exists():
            raise CommandError(f"There is a user {username!r} already.")
        if options["generate"]:
            password = secrets.token_urlsafe(15)
        elif sys.stdin.isatty():
            password = getpass.getpass("Password: ")
            if password != getpass.getpass("Once more: "):
                raise CommandError("The two passwords differ.")
        else:
            password = sys.stdin.readline().rstrip("\n")
        try:
            validate_password(password, User(username=username))
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        User.objects.create_superuser(username, password=password)
        self.stdout.write(f"{username} is an admin now.")
        if options["generate"]:
            self.stdout.write(f"Password: {password}")
