"""The beat inside a worker is started again when it dies, and only then."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from afdash import beat, stopping


@pytest.mark.parametrize(
    ("is_alive", "is_asked", "starts"), [(False, False, 1), (True, False, 0), (False, True, 0)]
)
def test_a_dead_beat_is_started_again_unless_its_worker_is_stopping(
    is_alive: bool, is_asked: bool, starts: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that is started while the worker stops would outlive it."""
    monkeypatch.setattr(stopping, "is_asked", lambda: is_asked)
    started = []
    now = SimpleNamespace(is_alive=lambda: is_alive, exitcode=-9)
    step = SimpleNamespace(
        obj=now, create=lambda _: SimpleNamespace(start=lambda: started.append(1), is_alive=lambda: True)
    )
    beat._restart_if_dead(SimpleNamespace(beat=now, steps=[step]))
    assert len(started) == starts
