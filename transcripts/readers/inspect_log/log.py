"""What a log says about itself: model and task, hints of the arm, and what is odd about the run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from transcripts.arms import hints_in, hints_in_tags
from transcripts.readers.json_values import scalar_text, storable_value
from transcripts.records import ArmHint, FileFinding, RunKey
from transcripts.text import storable


@dataclass(frozen=True, slots=True)
class Log:
    """The facts that every sample of a log shares."""

    run: RunKey
    task: str
    hints: tuple[ArmHint, ...]
    metadata: Mapping[str, Any]
    total: int | None  # samples that the results speak of
    planned: int | None  # samples that the data set and the epochs ask for
    findings: tuple[FileFinding, ...]


def understand(header: Mapping[str, Any], is_started_only: bool) -> Log:
    """The log from its header; ``is_started_only`` if all there is, is the note made at its start."""
    about = _object(header.get("eval"))
    task = storable(scalar_text(about.get("task") or ""))
    tags = header.get("tags") if isinstance(header.get("tags"), list) else about.get("tags")
    hints = (
        *hints_in("task_args", _object(about.get("task_args"))),
        *hints_in("metadata", _object(header.get("metadata") or about.get("metadata"))),
        *hints_in_tags(tags if isinstance(tags, list) else []),
    )
    kept = ("eval_id", "run_id", "created", "task_version", "task_file")
    metadata: dict[str, Any] = {key: about[key] for key in kept if about.get(key)}
    if tags:
        metadata["tags"] = tags
    total = _count(_object(header.get("results")).get("total_samples"))
    return Log(
        run=RunKey(model=storable(scalar_text(about.get("model") or "")), setting=task),
        task=task,
        hints=hints,
        metadata=storable_value(metadata),
        total=total,
        planned=_planned(about),
        findings=tuple(_findings(header, is_started_only, _planned(about))),
    )


def held_findings(log: Log, held: int) -> list[FileFinding]:
    """What the number of samples in the file says."""
    if not held:
        return [_finding("no_samples", "The log holds no samples.")]
    if log.total is not None and log.total > held:
        text = f"The header says {log.total} samples, the file holds {held}."
        return [_finding("fewer_samples", text, {"said": log.total, "held": held})]
    return []


def _findings(header: Mapping[str, Any], is_started_only: bool, planned: int | None) -> list[FileFinding]:
    found = []
    status = header.get("status")
    if is_started_only or status == "started":
        text = "The run was not finished: the log has no results."
        if planned:
            text += f" {planned} samples were planned."
        found.append(_finding("log_incomplete", text, {"planned": planned}))
    elif status == "error":
        error = storable(scalar_text(_object(header.get("error")).get("message") or "no message"))[:500]
        found.append(_finding("log_error", f"The run ended with an error: {error}."))
    elif status == "cancelled":
        found.append(_finding("log_cancelled", "The run was cancelled."))
    elif status != "success":
        found.append(_finding("log_status", f"The log's status is “{storable(scalar_text(status))[:100]}”."))
    if header.get("invalidated") is True:
        found.append(_finding("log_invalidated", "Someone marked samples of this log as invalid."))
    return found


def _planned(about: Mapping[str, Any]) -> int | None:
    ids = _object(about.get("dataset")).get("sample_ids")
    count = len(ids) if isinstance(ids, list) else _count(_object(about.get("dataset")).get("samples"))
    epochs = _count(_object(about.get("config")).get("epochs") or 1)
    return count * epochs if count is not None and epochs is not None else None


def _count(value: Any) -> int | None:
    """A number of samples or epochs, if the value can be one."""
    return value if type(value) is int and 0 <= value < 2**31 else None


def _finding(kind: str, message: str, detail: Mapping[str, Any] | None = None) -> FileFinding:
    return FileFinding(kind, message, detail or {}, kind)


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
