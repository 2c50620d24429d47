"""An archive unpacked to its end, for the tests of each kind."""

from __future__ import annotations

import hashlib
import itertools

import pytest

from transcripts.readers.archives import Limits, Skipped, Unpacked, unpack
from transcripts.records import FileFinding, UnreadableSource


class Unpacking:
    """What came out: ``held`` as (name, content) in order, and what was said of it."""

    def __init__(self, source, into, limits):
        self.into = into
        self.error = ""
        self.items = []
        try:
            for item in unpack(source, into, limits):
                self.items.append(item)
        except UnreadableSource as error:
            self.error = str(error)
        members = [item for item in self.items if isinstance(item, Unpacked)]
        self.members = members
        self.held = [(member.name, member.path.read_bytes()) for member in members]
        self.skipped = [(item.name, item.reason) for item in self.items if isinstance(item, Skipped)]
        self.findings = [item.kind for item in self.items if isinstance(item, FileFinding)]
        self.own = [finding.kind for member in members for finding in member.findings]

    def check(self):
        """Only what was told of is there, under a number, whole."""
        assert sorted(path.name for path in self.into.iterdir()) == sorted(
            str(m.number) for m in self.members
        )
        assert [m.number for m in self.members] == list(range(len(self.members)))
        for member, (_, content) in zip(self.members, self.held, strict=True):
            assert (member.size, member.sha256) == (len(content), hashlib.sha256(content).hexdigest())


@pytest.fixture
def unpacked(source_of, tmp_path_factory):
    def run(content: bytes, name: str = "given", limits: Limits | None = None) -> Unpacking:
        into = tmp_path_factory.mktemp("into")
        unpacking = Unpacking(source_of(content, name), into, limits or Limits())
        unpacking.check()
        sentences = [item.message for item in unpacking.items if not isinstance(item, Unpacked)]
        sentences += [finding.message for member in unpacking.members for finding in member.findings]
        for sentence in itertools.chain(sentences, filter(None, [unpacking.error])):
            assert sentence.endswith(".")
            assert sentence[0].isupper() or sentence[0].isdigit()
        return unpacking

    return run
