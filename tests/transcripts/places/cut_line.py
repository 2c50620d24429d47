"""A line to a server whose answers can be cut off or swallowed: real sockets, no mocks.

``tests.transcripts.faults.proxy`` strikes at what a client sends; here it is the answer that breaks off.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator


class Line:
    """Forwards 127.0.0.1:``port`` to ``to``. What it does to answers is set from the test's thread.

    ``cut_after``: bytes of answers until a connection is cut, as often as ``cuts`` says.
    ``silent``: answers are swallowed, the connection stays.
    """

    def __init__(self, to: int) -> None:
        self.to = to
        self.port = 0
        self.cut_after: int | None = None
        self.cuts = 0
        self.silent = False
        self.sent = 0  # bytes of answers let through
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0.05))
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, to_there = await asyncio.open_connection("127.0.0.1", self.to)
        ways = [
            asyncio.ensure_future(self._pass(reader, to_there, is_answer=False)),
            asyncio.ensure_future(self._pass(there, writer, is_answer=True)),
        ]
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        for end in (writer, to_there):
            end.transport.abort()

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_answer: bool
    ) -> None:
        passed = 0
        with contextlib.suppress(ConnectionError):
            while block := await reader.read(16_384):
                if is_answer:
                    if self.silent:
                        continue
                    passed += len(block)
                    if self.cut_after is not None and self.cuts and passed > self.cut_after:
                        self.cuts -= 1
                        return
                    self.sent += len(block)
                writer.write(block)
                await writer.drain()

    def start(self) -> None:
        self._thread.start()
        self._ready.wait(5)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)


@contextlib.contextmanager
def line_to(port: int) -> Iterator[Line]:
    line = Line(port)
    line.start()
    try:
        yield line
    finally:
        line.stop()
