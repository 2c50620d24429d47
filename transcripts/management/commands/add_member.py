from __future__ import annotations

import secrets
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from afdash.accounts.models import User
from transcripts.models import Membership, Study


class Command(BaseCommand):
    help = "Give a person a role in a study. A person who does not exist is created, with a random password."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--study", required=True, metavar="SLUG")
        parser.add_argument("--role", required=True, choices=[role.value for role in Membership.Role])

    def handle(self, *args: Any, **options: Any) -> None:
        study = Study.objects.filter(slug=options["study"]).first()
        if study is None:
            raise CommandError(f"There is no study {options['study']!r}.")
        username = options["username"]
        user = User.objects.filter(username=username).first()
        if user is None:
            password = secrets.token_urlsafe(15)
            user = User.objects.create_user(username, password=password)
            self.stdout.write(f"{username} is new. Password: {password}")
        Membership.objects.update_or_create(study=study, user=user, defaults={"role": options["role"]})
        self.stdout.write(f"{username} is {options['role']} of {study.slug}.")
