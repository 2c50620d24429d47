"""A codebook's definition as YAML, for people who edit it in a text editor. Pure.

Only YAML that JSON can say: no tags, no anchors (a few lines of which can stand for gigabytes), no key twice.
Scalars that YAML takes for something else than they look (``no``, ``1``, ``2026-11-21``) are texts here, but for
``true`` and ``false``, and numbers where the definition wants one (``colour``).
"""

from __future__ import annotations

from typing import Any

import yaml

from annotations.codebook import BadDefinition

MAX_CHARACTERS = 500_000
DEEPEST = 20
_FIRST = ("key", "name", "kind", "title")  # of a mapping, in this order; the rest as given


class _Loader(yaml.SafeLoader):
    """Reads the plain subset; everything else is an error with a line."""


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        # Lists stand under their key, indented: people find their items so.
        super().increase_indent(flow, False)


# Only these words are not texts. YAML 1.1 would read `no` as false and `3:20` as 200.
_Loader.yaml_implicit_resolvers = {
    letter: [(tag, pattern) for tag, pattern in found if tag == "tag:yaml.org,2002:null"]
    for letter, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_BOOLEANS = {"true": True, "false": False}


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        if not isinstance(key, str):
            raise yaml.constructor.ConstructorError(None, None, "a key must be a text", key_node.start_mark)
        if key in found:
            raise yaml.constructor.ConstructorError(
                None, None, f"{key!r} is given twice", key_node.start_mark
            )
        found[key] = loader.construct_object(value_node, deep=True)
    return found


def _scalar(loader: _Loader, node: yaml.ScalarNode) -> Any:
    value = node.value
    return value if node.style else _BOOLEANS.get(value, value)


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)
_Loader.add_constructor("tag:yaml.org,2002:str", _scalar)


def load(text: str) -> dict[str, Any]:
    """The definition in ``text``; raises BadDefinition with the line. What it means is checked elsewhere."""
    if len(text) > MAX_CHARACTERS:
        raise BadDefinition(f"The definition is longer than {MAX_CHARACTERS:,} characters.")
    try:
        _look(text)
        definition = yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader that can do less
    except yaml.YAMLError as error:
        raise BadDefinition(_words(error)) from error
    if not isinstance(definition, dict):
        raise BadDefinition("The definition must be a mapping with name, questions and labels.")
    return _with_numbers(definition)


def _look(text: str) -> None:
    """Before anything is built: no anchors, no tags, not too deep."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.events.AliasEvent) or getattr(event, "anchor", None):
            raise yaml.MarkedYAMLError(
                problem="anchors (&, *) are not used here", problem_mark=event.start_mark
            )
        if getattr(event, "tag", None):
            raise yaml.MarkedYAMLError(problem="tags (!) are not used here", problem_mark=event.start_mark)
        if isinstance(event, yaml.events.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.events.CollectionEndEvent):
            depth -= 1
        if depth > DEEPEST:
            raise yaml.MarkedYAMLError(problem="it is nested too deep", problem_mark=event.start_mark)


def line_of(text: str, key: str) -> int:
    """The line of the entry with this ``key``, from 1; 0 if there is none. ``text`` is YAML that loads."""
    waiting = [yaml.compose(text, Loader=_Loader)]
    while waiting:
        node = waiting.pop(0)
        if isinstance(node, yaml.SequenceNode):
            waiting += node.value
        elif isinstance(node, yaml.MappingNode):
            for name, value in node.value:
                if name.value == "key" and value.value == key:
                    return int(node.start_mark.line) + 1
                waiting.append(value)
    return 0


def _words(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    where = f"Line {mark.line + 1}" if mark else "The YAML"
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "it cannot be read"
    return f"{where}: {problem}."


def _with_numbers(definition: dict[str, Any]) -> dict[str, Any]:
    labels = definition.get("labels")
    for label in labels if isinstance(labels, list) else ():
        if isinstance(label, dict) and isinstance(colour := label.get("colour"), str) and colour.isdecimal():
            label["colour"] = int(colour[:9])
    return definition


def dump(definition: dict[str, Any]) -> str:
    """The definition as YAML that :func:`load` reads back to an equal one."""
    return yaml.dump(_ordered(definition), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)


def _ordered(value: Any) -> Any:
    if isinstance(value, dict):
        first = [key for key in _FIRST if key in value]
        return {key: _ordered(value[key]) for key in [*first, *(key for key in value if key not in first)]}
    if isinstance(value, (list, tuple)):
        return [_ordered(each) for each in value]
    return value


def _text(dumper: _Dumper, value: str) -> yaml.ScalarNode:
    # Guidelines are Markdown of many lines: they stay readable as a block.
    style = "|" if "\n" in value and not value.endswith((" ", "\t")) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style)


_Dumper.add_representer(str, _text)
