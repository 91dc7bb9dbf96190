"""Large requests: few at once, one after the other in a thread, so that they do not delay small ones."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import TypeVar

from ripple.serving.errors import unavailable

Result = TypeVar("Result")

MAX_LARGE = 4
"""The number of large requests of a worker, at most, that are read or worked on."""
MAX_WAITING = 60
"""The number of large requests of a worker, at most, that wait for that, and are not read meanwhile."""
WAIT_SECONDS = 2.0
"""The time for which a large request waits."""


class LargeRequests:
    """The places for large requests of one worker, and the thread that works on them.

    One thread, as Python runs one at a time anyway, and the event loop has to compete with all there are.
    """

    def __init__(self) -> None:
        self.places = asyncio.Semaphore(MAX_LARGE)
        self.waiting = 0
        self.thread = ThreadPoolExecutor(1, "large-requests")


class Place:
    """The place of one request, taken once the request turns out to be large; a context that frees it."""

    def __init__(self, large: LargeRequests) -> None:
        self._large = large
        self.taken = False

    async def take(self) -> None:
        """Wait for a place, if the request has none yet.

        Raises:
            RequestError: too many are waiting, or none is free in time.
        """
        if self.taken:
            return
        large = self._large
        hint = "Try again in a moment, or send fewer customers."
        error = unavailable("overloaded", "Too many large requests are being answered.", hint)
        if large.waiting >= MAX_WAITING:
            raise error
        large.waiting += 1
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await large.places.acquire()
        except TimeoutError:
            raise error from None
        finally:
            large.waiting -= 1
        self.taken = True

    async def run(self, work: Callable[[], Result]) -> Result:
        """The result of *work*, computed in the thread for large requests if the place is taken."""
        if not self.taken:
            return work()
        return await asyncio.get_running_loop().run_in_executor(self._large.thread, work)

    def __enter__(self) -> Place:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.taken:
            self._large.places.release()
