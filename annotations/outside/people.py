"""Outside annotators: a row for each name in a study, which nobody can sign in as."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from django.contrib.auth.hashers import make_password
from django.utils.text import slugify

from afdash.accounts.models import User

UNNAMED = "unnamed"  # where a file leaves the annotator blank


def username_of(study_id: int, name: str) -> str:
    """One for each name and study. The colon keeps it apart from names that people can be given."""
    digest = hashlib.sha256(name.encode()).hexdigest()[:24]
    return f"outside:{study_id}:{slugify(name)[:40]}:{digest}"


def outside_annotators(study_id: int, names: Iterable[str]) -> dict[str, User]:
    """The study's outside annotators by name; those that are new are made."""
    usernames = {name: username_of(study_id, name) for name in sorted(set(names))}
    found = _found(usernames.values())
    if missing := [name for name, username in usernames.items() if username not in found]:
        User.objects.bulk_create(
            [
                User(
                    username=usernames[name],
                    password=make_password(None),
                    is_active=False,
                    outside_name=name,
                )
                for name in missing
            ],
            ignore_conflicts=True,  # another worker, the same name
        )
        found = _found(usernames.values())
    people = {name: found[username] for name, username in usernames.items()}
    for name, user in people.items():
        if user.outside_name != name:
            # Never under somebody's account, not even one that was made to look like this.
            raise RuntimeError(f"The account {user.get_username()!r} is not the outside annotator {name!r}.")
    return people


def _found(usernames: Iterable[str]) -> dict[str, User]:
    return {user.username: user for user in User.objects.filter(username__in=list(usernames))}
