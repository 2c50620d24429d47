"""Inspect logs made by hand, for the tests of their reader."""

import io
import json
import zipfile

from transcripts.readers.registry import reader_named

READER = reader_named("inspect_log")
HEADER = {
    "version": 2,
    "status": "success",
    "eval": {"task": "t", "model": "org/m", "task_args": {"debug_mode": True}},
}


def sample(identity="a", epoch=1, **fields):
    turns = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "<think>a</think>b"}]
    return {"id": identity, "epoch": epoch, "input": "q", "messages": turns, **fields}


def log_bytes(members, method=zipfile.ZIP_DEFLATED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as file:
        for name, value in members:
            file.writestr(name, value if isinstance(value, bytes) else json.dumps(value))
    return buffer.getvalue()
