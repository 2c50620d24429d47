"""A way to a server on which faults happen: slow, cut after so many bytes, half closed, swallowing everything."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

Address = Path | tuple[str, int]  # a unix socket, or host and port


class _Way:
    """One client's connection and its way on to the server."""

    def __init__(self, client: asyncio.StreamWriter, server: asyncio.StreamWriter) -> None:
        self.client, self.server = client, server
        self.is_black_hole = False
        self.drops_answer = False
        self.bytes_left: int | None = None  # to pass from the client before the cut
        self.tail = b""

    def cut(self) -> None:
        for writer in (self.client, self.server):
            with contextlib.suppress(Exception):
                writer.transport.abort()


class Proxy:
    """Listens on ``port`` of 127.0.0.1. All its methods may be called from any thread while it runs.

    What is armed (``cut_after``, ``lose_answer_to``) strikes once, at whichever client first sends the words;
    ``struck`` counts how often something did.
    """

    def __init__(self, target: Address) -> None:
        self.target = target
        self.port = 0
        self.delay = 0.0  # seconds before each piece is passed on
        self.struck = 0
        self._ways: set[_Way] = set()
        self._cut: tuple[bytes, int] | None = None
        self._lost: bytes | None = None
        self._loop = asyncio.new_event_loop()

    def cut_after(self, words: bytes, more: int = 0) -> None:
        """Cut the connection whose client sends ``words``, when ``more`` further bytes have passed."""
        self._cut = (words, more)

    def lose_answer_to(self, words: bytes) -> None:
        """Let the server have ``words``; cut the connection when it answers, before the client hears of it."""
        self._lost = words

    def cut_all(self) -> None:
        self._loop.call_soon_threadsafe(lambda: [way.cut() for way in list(self._ways)])

    def half_close_all(self) -> None:
        """Nothing more comes from the server; what the client sends still arrives."""

        def close() -> None:
            for way in list(self._ways):
                with contextlib.suppress(Exception):
                    way.client.write_eof()

        self._loop.call_soon_threadsafe(close)

    def swallow_all(self) -> None:
        """The connections of now stay open and nothing passes any more; new ones are as ever."""
        for way in list(self._ways):
            way.is_black_hole = True

    def _look_at(self, way: _Way, data: bytes) -> None:
        """What the client says, with the end of what it said before: words may come in two pieces."""
        seen = way.tail + data
        if self._cut and self._cut[0] in seen:
            behind = len(seen) - seen.index(self._cut[0]) - len(self._cut[0])
            way.bytes_left = max(len(data) - behind, 0) + self._cut[1]
            self._cut = None
        if self._lost and self._lost in seen:
            way.drops_answer, self._lost = True, None
        way.tail = seen[-100:]

    async def _to_server(self, way: _Way, reader: asyncio.StreamReader) -> None:
        while data := await reader.read(65536):
            await asyncio.sleep(self.delay)
            if way.is_black_hole:
                continue
            self._look_at(way, data)
            if way.bytes_left is not None:
                data, way.bytes_left = data[: way.bytes_left], way.bytes_left - len(data)
            way.server.write(data)
            await way.server.drain()
            if way.bytes_left is not None and way.bytes_left <= 0:
                self.struck += 1
                return

    async def _to_client(self, way: _Way, reader: asyncio.StreamReader) -> None:
        while data := await reader.read(65536):
            await asyncio.sleep(self.delay)
            if way.is_black_hole:
                continue
            if way.drops_answer:
                self.struck += 1
                return
            way.client.write(data)
            await way.client.drain()

    async def _serve(self, reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        try:
            if isinstance(self.target, Path):
                answers, server = await asyncio.open_unix_connection(str(self.target))
            else:
                answers, server = await asyncio.open_connection(*self.target)
        except OSError:
            client.transport.abort()
            return
        way = _Way(client, server)
        self._ways.add(way)
        pumps = {
            asyncio.ensure_future(self._to_server(way, reader)),
            asyncio.ensure_future(self._to_client(way, answers)),
        }
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            way.cut()
            self._ways.discard(way)

    def _run(self, is_up: threading.Event, over: asyncio.Event) -> None:
        async def serve() -> None:
            listener = await asyncio.start_server(self._serve, "127.0.0.1", 0)
            self.port = listener.sockets[0].getsockname()[1]
            is_up.set()
            await over.wait()
            listener.close()
            for way in list(self._ways):
                way.cut()
            await asyncio.sleep(0.05)

        self._loop.run_until_complete(serve())
        self._loop.close()


@contextmanager
def proxy(target: Address) -> Iterator[Proxy]:
    found, is_up, over = Proxy(target), threading.Event(), asyncio.Event()
    thread = threading.Thread(target=found._run, args=(is_up, over), daemon=True)
    thread.start()
    assert is_up.wait(5)
    yield found
    found._loop.call_soon_threadsafe(over.set)
    thread.join(5)
