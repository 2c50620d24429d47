"""Why labelling work could not be taken as it was sent. Nothing of it is lost: the sender still has it."""

from __future__ import annotations

from typing import Any


class LabellingConflict(Exception):
    """Something else happened meanwhile. ``code`` is for programs, the message for people.

    Codes: ``version_conflict`` (``current`` is what is stored now), ``claim_lost``, ``already_submitted``,
    ``round_paused``, ``round_closed``, ``text_changed``, ``codebook_changed`` (what was sent is kept, see saving).
    """

    def __init__(self, code: str, message: str, current: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.current = current


class Invalid(Exception):
    """The answers or spans are wrong; ``fields`` says where: a question's key, or ``spans.<number>``."""

    def __init__(self, message: str, fields: dict[str, str] | None = None, code: str = "invalid") -> None:
        super().__init__(message)
        self.code = code
        self.fields = fields or {}
