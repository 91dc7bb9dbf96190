"""Large requests: few at once, one after the other in a thread, so that they do not delay small ones."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import TypeVar

from ripple.serving.errors import unavailable

Result = TypeVar("Result")

MAX_LARGE = 8
"""The number of large requests of a worker, at most, that wait or are worked on."""


class LargeRequests:
    """The places for large requests of one worker, and the thread that works on them.

    One thread, as Python runs one at a time anyway, and the event loop has to compete with all there are.
    """

    def __init__(self, most: int = MAX_LARGE) -> None:
        self.most = most
        self.taken = 0
        self.thread = ThreadPoolExecutor(1, "large-requests")


class Place:
    """The place of one request, taken once the request turns out to be large; a context that frees it."""

    def __init__(self, places: LargeRequests) -> None:
        self._places = places
        self.taken = False

    def take(self) -> None:
        """Take the place, if that is not done yet.

        Raises:
            RequestError: all are taken.
        """
        if self.taken:
            return
        if self._places.taken >= self._places.most:
            message = f"{self._places.taken} large requests are being answered."
            raise unavailable("overloaded", message, "Try again in a moment, or send fewer customers.")
        self._places.taken += 1
        self.taken = True

    async def run(self, work: Callable[[], Result]) -> Result:
        """The result of *work*, computed in the thread for large requests if the place is taken."""
        if not self.taken:
            return work()
        return await asyncio.get_running_loop().run_in_executor(self._places.thread, work)

    def __enter__(self) -> Place:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._places.taken -= self.taken
