"""One message of a source as text and segments.

Content is a string, or a list of blocks as OpenAI, Anthropic and Inspect write them. Blocks are
joined without filler, so that nothing is in the text that the source did not say, except the
bracketed words that stand for what is not text: ``[image]``. An encrypted reasoning blob never
becomes text; its summary does, if there is one, and a finding says that reasoning is hidden.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from transcripts.readers.json_values import BadRecord, pretty, scalar_text
from transcripts.records import Message, RecordFinding, Segment
from transcripts.segments import segment, worst
from transcripts.text import storable

_REASONING = ("reasoning", "thinking", "redacted_thinking")
_BESIDE_TEXT = frozenset({"reasoning_content", "tool_calls"})
_TEXT = ("text", "input_text", "output_text")


def message(source: Any, findings: list[RecordFinding]) -> Message:
    """The message; what is odd about it is added to ``findings``. Raises BadRecord if it is none."""
    if not isinstance(source, Mapping):
        raise BadRecord("message_shape", "A message is not an object with role and content.")
    role = source.get("role")
    if not isinstance(role, str) or not role:
        raise BadRecord("message_shape", "A message has no role.")
    content = source.get("content")
    if type(content) is str and role != "tool" and _BESIDE_TEXT.isdisjoint(source):
        return _plain(storable(role), storable(content), source.get("name"))
    built = _Builder(storable(role), findings)
    if isinstance(reasoning := source.get("reasoning_content"), str) and reasoning:
        built.add_scratchpad(reasoning)
    if isinstance(content, str):
        built.add_text(content)
    elif isinstance(content, list):
        for block in content:
            built.add_block(block)
    elif content is not None:
        built.add("text", pretty(content), "content is neither text nor a list")
    calls = source.get("tool_calls")
    for call in calls if isinstance(calls, list) else []:
        built.add_call(call)
    if role == "tool":
        built.add_tool_error(source)
    name = source.get("name") if role != "tool" else source.get("function") or source.get("name")
    return built.message(name if isinstance(name, str) else "")


def _plain(role: str, text: str, name: Any) -> Message:
    """A message of nothing but text, as nearly all are: the same as from the builder, in a fraction of its time."""
    name = storable(name) if isinstance(name, str) else ""
    if role == "assistant":
        found = segment(text)
        return Message(role, text, name, found.segments, found.parse_state)
    length = len(text)
    return Message(role, text, name, (Segment("text", 0, length, 0, length),) if text else ())


class _Builder:
    def __init__(self, role: str, findings: list[RecordFinding]) -> None:
        self.role = role
        self.findings = findings
        self.parts: list[str] = []
        self.length = 0
        self.segments: list[Segment] = []
        self.states: list[str] = []
        self.has_reasoning = False

    def add(self, kind: str, text: str, note: str = "") -> None:
        text = storable(text)
        if text:
            end = self.length + len(text)
            self.segments.append(Segment(kind, self.length, end, self.length, end, note))
            self.parts.append(text)
            self.length = end

    def add_scratchpad(self, text: str, note: str = "") -> None:
        self.has_reasoning = True
        self.add("scratchpad", text, note)

    def add_text(self, text: str) -> None:
        if self.role == "assistant":
            text = storable(text)
            found = segment(text)
            base = self.length
            self.states.append(found.parse_state)
            self.segments += (
                [
                    Segment(
                        s.kind, s.start + base, s.end + base, s.inner_start + base, s.inner_end + base, s.note
                    )
                    for s in found.segments
                ]
                if base
                else found.segments
            )
            self.parts.append(text)
            self.length += len(text)
        else:
            self.add("tool" if self.role == "tool" else "text", text)

    def add_block(self, block: Any) -> None:
        kind = block.get("type") if isinstance(block, Mapping) else None
        if isinstance(block, str):
            self.add_text(block)
        elif not isinstance(block, Mapping):
            self.add("text", scalar_text(block), "content of unknown kind")
        elif kind in _TEXT and isinstance(block.get("text"), str):
            self.add_text(block["text"])
        elif kind in _REASONING:
            self.add_reasoning(block)
        elif kind == "tool_use":
            self.add_call({"function": block.get("name"), "arguments": block.get("input")})
        elif kind == "tool_result":
            self.add_result(block.get("content"))
        elif kind in _NOT_TEXT:
            self.add("text", f"[{kind}]", "not text")
        else:
            self.add("text", pretty(block), "content of unknown kind")

    def add_reasoning(self, block: Mapping[str, Any]) -> None:
        reasoning = block.get("reasoning") or block.get("thinking") or ""
        summary = block.get("summary")
        is_hidden = bool(block.get("redacted")) or block.get("type") == "redacted_thinking"
        if not is_hidden and isinstance(reasoning, str) and reasoning:
            self.add_scratchpad(reasoning)
        elif isinstance(summary, str) and summary:
            self.add_scratchpad(summary, "summary")
        elif is_hidden or block.get("signature"):
            self.findings.append(
                RecordFinding(
                    "reasoning_hidden", "The model reasoned, but its provider kept the reasoning hidden."
                )
            )

    def add_call(self, call: Any) -> None:
        if not isinstance(call, Mapping):
            self.add("tool", scalar_text(call))
            return
        function: Any = call.get("function")
        arguments: Any = call.get("arguments")
        if isinstance(function, Mapping):  # OpenAI: {"function": {"name", "arguments"}}
            function, arguments = function.get("name"), function.get("arguments")
        text = arguments if isinstance(arguments, str) else pretty({} if arguments is None else arguments)
        if isinstance(error := call.get("parse_error"), str) and error:
            text = f"{text}\n{error}"
        self.add("tool", text, storable(function) if isinstance(function, str) else "")

    def add_result(self, content: Any) -> None:
        if isinstance(content, list):
            for block in content:
                text = block.get("text") if isinstance(block, Mapping) else block
                self.add("tool", text if isinstance(text, str) else pretty(block))
        else:
            self.add("tool", scalar_text(content) if content is not None else "")

    def add_tool_error(self, source: Mapping[str, Any]) -> None:
        error: Any = source.get("error") or source.get("tool_error")
        text = error.get("message") if isinstance(error, Mapping) else error
        if isinstance(text, str) and text and storable(text) not in "".join(self.parts):
            self.add("tool", text, "error")

    def message(self, name: str) -> Message:
        state = ""
        if self.role == "assistant":
            states = [state for state in self.states if state not in ("no_scratchpad", "empty")]
            state = worst(states or ["ok"]) if self.has_reasoning else worst(self.states)
        return Message(self.role, "".join(self.parts), storable(name), tuple(self.segments), state)


_NOT_TEXT = ("image", "audio", "video", "document", "data", "image_url", "input_audio", "file")
