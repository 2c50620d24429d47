"""Texts that a page must show as they are, and every text of the real files."""

from __future__ import annotations

import contextlib
import html
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

from django.template.loader import render_to_string

from transcripts.readers import registry
from transcripts.readers.source import Source
from transcripts.records import Message, Record, UnreadableSource
from transcripts.rendering import Mark, RenderedMessage
from transcripts.text import storable

# Runs in a page that does not escape: what a test of pages must notice.
CONTROL = "<script>window.ran = 'script'</script><img src='/none' onerror=\"window.ran = 'image'\">"

HOSTILE = {
    "markup": "<script>alert(1)</script> </textarea></div> <img src=x onerror=alert(1)> &amp; &#x41; &lt",
    "control script": CONTROL,
    "closing what is ours": '</span></mark></div></section></article>" onmouseover="alert(1)" <!-- <![CDATA[ ]]> -->',
    "template": "{{7*7}} {% load static %} {# gone? #} {{ settings.SECRET_KEY }}",
    "line ends": "one\r\ntwo\rthree\n\n\r\n# four\r\n- five\r\n> six\r\n```\r\nseven\r\n```\r\n",
    "nul and surrogates": storable("a\x00b\ud83dc\udc00d"),
    "our own private characters": storable("\U0010f800\U0010f801\U0010f000"),
    "ansi": "\x1b[31mred\x1b[0m \x07 \x1b[1;38;5;9m \x1b[2K \x1b]8;;http://evil/\x07link\x1b]8;;\x07 \x1b[ \x1b[\x1b",
    "bidi": "user\u202e\u2066 } \u2069\u2066 admin\u202c אבג שלום **מודגש** `קוד` عربي",
    "emoji": "👩‍👩‍👧‍👦 🏳️‍🌈 👍🏽 **👩‍👩‍👧** _🏳️‍🌈_",
    "combining": "Z̸̡͔a̷l̵g̶o é *a\u0301*\u0301 " + "o" + "\u0316" * 500,
    "separators": "a\u2028b\u2029c\x85d\xa0e\x0bf\x0c",
    "tags": "\U000e0001\U000e0041",
    "every control": "".join(chr(code) for code in [*range(1, 32), *range(127, 160), 0xAD, 0x200B, 0xFEFF]),
    "noncharacters": "\ufffe\uffff\U0001ffff\ufdd0",
    "long word": "x" * 5000,
    "tags of ours": "<think>a<output>b</think></output><RESULT>",
    "nested tags": "<think>" * 30 + "x" + "</think>" * 31 + "<output>" * 3,
    "a blob": f"![i](data:image/png;base64,{'aB3+/' * 300}==) behind {'Zz9_-' * 60}",
    "markdown": (
        "# Head *with* `code`\n\nText **bold *both* bold** and ***all*** ~~no~~ snake_case __init__\n"
        "- item [a](javascript:alert(1)) <b>no</b>\n  1. [x] done\n> quote\n> > deeper\n\n---\n"
        '| a | b |\n|---|:-:|\n| 1 | <i>2</i> |\n\n```python\nprint("<b>**")\n```\n~~~\nopen <script>\n'
        "![i](x onerror=alert(1)) <http://a> https://b/?c=<d>&e \\*not\\*"
    ),
    "json": '{"a": [1, 2.50, 1e999, "<script>\\n\\u0000\\ud800"], "a": {"b": null}}',
    "only spaces": " \t\n \n\t",
}

# Too long to stand in every place where a text can stand.
LONG = {
    "long line": "word " * 20_000,
    "markdown bomb": "**_`" * 3000
    + "[" * 2000
    + "](" * 2000
    + "\n"
    + "> " * 3000
    + "\n"
    + "- " * 500
    + "#" * 900,
    "fences": "".join(f"{'`' * (3 + n % 9)}\n" for n in range(300)),
    "pipes": "|a|b|\n|-|-|\n" * 300,
}


class Shown(HTMLParser):
    """What a browser would make of rendered messages: their texts, and the elements in them."""

    def __init__(self, markup: str) -> None:
        super().__init__(convert_charrefs=True)
        self.texts: list[str] = []
        self.elements: set[tuple[str, frozenset[str]]] = set()
        self._depth = 0  # of elements within a segment's content
        self._parts: list[str] = []
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = frozenset(name for name, _ in attrs)
        self.elements.add((tag, names))
        if self._depth:
            self._depth += 1
        elif tag == "div" and "data-start" in names:
            self._depth = 1
        elif "data-message" in names:
            self._parts = []

    def handle_endtag(self, tag: str) -> None:
        if self._depth:
            self._depth -= 1
        elif tag == "article":
            self.texts.append("".join(self._parts))

    def handle_data(self, data: str) -> None:
        if self._depth:
            self._parts.append(data)


class Strict:
    """The same of well-formed markup only, many times as fast: anything that is not exactly as ours is refused."""

    _TOKEN = re.compile(r'<(/?)([a-z0-9]+)((?: [a-z-]+(?:="[^"<>]*")?)*)>|([^<>]+)')
    _NAME = re.compile(r' ([a-z-]+)(?:="[^"]*")?')

    def __init__(self, markup: str) -> None:
        self.texts: list[str] = []
        attributes: dict[str, set[str]] = {}
        open_elements: list[tuple[str, str]] = []
        parts: list[str] = []
        at, content_depth = 0, 0
        for token in self._TOKEN.finditer(markup):
            assert token.start() == at, markup[at : at + 80]
            at = token.end()
            closing, tag, given, text = token.groups()
            if text is not None:
                if content_depth:
                    parts.append(text)
            elif closing:
                opened, of = open_elements.pop()
                assert opened == tag
                if len(open_elements) < content_depth:
                    content_depth = 0
                elif " data-message=" in of:
                    self.texts.append(html.unescape("".join(parts)))
                    parts = []
            else:
                attributes.setdefault(tag, set()).add(given)
                open_elements.append((tag, given))
                if " data-start=" in given and not content_depth:
                    content_depth = len(open_elements)
        assert at == len(markup)
        assert not open_elements
        self.elements = {
            (tag, frozenset(self._NAME.findall(given)))
            for tag, all_of in attributes.items()
            for given in all_of
        }


# All that rendering may make within a message; nothing that loads, runs, leads away or styles itself.
ELEMENTS = {"article", "h3", "h4", "section", "div", "span", "mark", "details", "summary", "b", "bdi"}
ATTRIBUTES = {
    *("class", "id", "title", "dir", "open", "tabindex", "role", "aria-hidden", "aria-label"),
    *("data-message", "data-kind", "data-start", "data-end", "data-ctl", "data-blob"),
    *("data-mark", "data-span", "data-tag"),
}


def page_of(message: RenderedMessage) -> str:
    """The message as the reading pages have it."""
    return render_to_string("transcripts/_message.html", {"message": message, "folded": False, "prefix": ""})


def marks_over(text: str, n: int = 4) -> list[Mark]:
    """Marks of every layer, over each other and over all edges there are."""
    layers = ("mine", "others", "adjudicated", "judge", "cues", "search", "suggestions")
    length = len(text)
    places = [(0, length), (0, 1), (length // 2, length // 2 + 1)]
    places += [(at * length // n, min(length, at * length // n + length // 3 + 1)) for at in range(n)]
    return [
        Mark(
            start,
            end,
            f"mark mark-{layers[k % 7]} label-colour-{k % 12 + 1}",
            '<i>"&',
            "k<",
            f"{k}",
            layers[k % 7],
        )
        for k, (start, end) in enumerate(places)
        if start < end <= length
    ]


def messages_in(folder: Path) -> Iterator[tuple[str, Message]]:
    """Every message of every file that can be read, once for each text, with its file's name."""
    known = set()
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            continue
        source = Source(path, path.name, path.stat().st_size)
        with contextlib.suppress(UnreadableSource):
            reader = registry.recognise(source)
            for chunk in reader.plan(source).chunks:
                for item in reader.read(source, chunk):
                    for message in item.messages if isinstance(item, Record) else ():
                        key = message.role, message.text, message.segments
                        if key not in known:
                            known.add(key)
                            yield path.name, message
