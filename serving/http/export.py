"""The route that streams all scores: never more of them in memory than a part, however slow the reader is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from ripple.serving.errors import unavailable
from ripple.serving.messages.lists import ExportRequest

if TYPE_CHECKING:
    from ripple.serving.http.app import Receive, Send
    from ripple.serving.lists.export import Tables, Writer
    from ripple.serving.publications.snapshot import Lookup
    from ripple.serving.scorer import Scorer

PART_ROWS = 2**13
"""The number of customers that are read and written at a time."""
MAX_EXPORTS = 2
"""The number of exports of a worker at a time."""
STALL_SECONDS = 30.0
"""The time after which a reader who takes nothing is left."""


class ExportEnded(Exception):
    """An export ended in the middle: the store does not answer, or the reader takes nothing."""


class Exports:
    """The exports of one worker, and the thread that makes their parts."""

    def __init__(self) -> None:
        self.running = 0
        self._thread = ThreadPoolExecutor(1, "exports")

    async def send(
        self,
        scorer: Scorer,
        request: ExportRequest,
        head_only: bool,
        receive: Receive,
        send: Send,
        headers: list[tuple[bytes, bytes]],
    ) -> None:
        """Send an export with these *headers*, or only the headers.

        Raises:
            RequestError: too many are being sent.
            StoreUnavailable: customers cannot be looked up now.
            ExportEnded: it was begun and cannot be completed. The server closes the connection of an answer
                that is not complete, so that the reader knows.
        """
        if self.running >= MAX_EXPORTS:
            raise unavailable(
                "overloaded", f"{self.running} exports are being sent.", "Try again when one has ended."
            )
        self.running += 1
        gone = asyncio.ensure_future(_disconnected(receive))
        parts, begun = self._parts(scorer, request), False
        try:
            # what can fail at once fails before anything is sent
            part = b"" if head_only else await anext(parts)
            begun = True
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            while part and not gone.done():
                async with asyncio.timeout(STALL_SECONDS):
                    await send({"type": "http.response.body", "body": part, "more_body": True})
                part = await anext(parts, b"")
            await send({"type": "http.response.body", "body": b""})
        except Exception as error:
            if begun:
                raise ExportEnded from error
            raise
        finally:
            gone.cancel()
            await parts.aclose()
            self.running -= 1

    async def _parts(self, scorer: Scorer, request: ExportRequest) -> AsyncGenerator[bytes]:
        """The export in parts.

        Raises:
            StoreUnavailable: customers cannot be looked up now.
        """
        # the process that supervises workers imports this module, and needs no Arrow
        from ripple.serving.lists.export import writer

        customers = scorer.customers
        tables = scorer.lists.tables(request.explain)
        writing = writer(request.format, tables.schema)
        loop = asyncio.get_running_loop()
        for begin in range(0, customers.size, PART_ROWS):
            part = await customers.part(begin, PART_ROWS, request.explain > 0)
            if content := await loop.run_in_executor(self._thread, _written, writing, tables, part):
                yield content
        yield await loop.run_in_executor(self._thread, writing.close)


async def _disconnected(receive: Receive) -> None:
    """Wait until the reader has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _written(writing: Writer, tables: Tables, part: Lookup) -> bytes:
    return writing.write(tables.batch(part))
