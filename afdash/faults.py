"""Faults that have nothing to do with who asked or what for."""

from __future__ import annotations


class OutOfReach(Exception):
    """Something that an answer needs is away for now: 503, and nothing was changed. The message is for users."""
