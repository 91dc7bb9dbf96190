"""Takes newer publications from a store while it serves: the old one answers until the new one is checked."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from ripple.serving.errors import StoreUnavailable
from ripple.serving.prometheus import Measures
from ripple.serving.publications.publication import Publication
from ripple.serving.publications.stores import Store
from ripple.serving.scorer import Scorer

LONGEST_PAUSE = 31
"""Looks to pass over, at most, before a publication that was refused is tried again."""

logger = logging.getLogger("bentoml.ripple")


class Follower:
    """Asks *store* now and then which publication is current, and hands over its scorer when that changes.

    Args:
        served: name of the publication that is served until then.
        seconds: between two looks.
    """

    def __init__(
        self, store: Store, measures: Measures, use: Callable[[Scorer], None], served: str, seconds: float
    ) -> None:
        self.store = store
        self.measures = measures
        self.use = use
        self.served = served
        self.seconds = seconds
        self._refused: tuple[str | None, str] | None = None
        self._pause = self._left = 0

    async def run(self) -> None:
        """Follow the store until cancelled; what fails is told once, and tried again."""
        while True:
            await self.look()
            await asyncio.sleep(self.seconds)

    async def look(self) -> None:
        """Take the current publication if it is another than the one served."""
        name = None
        try:
            name = await self.store.current()
            if name is None or name == self.served:
                self._refused = None
                return
            if self._left and self._refused is not None and self._refused[0] == name:
                self._left -= 1
                return
            scorer = await asyncio.to_thread(prepared, await self.store.open(name))
        except Exception as error:
            self._refuse(name, error)
            return
        self.use(scorer)
        self.served, self._refused = name, None
        logger.info("Serving publication %s.", name)

    def _refuse(self, name: str | None, error: Exception) -> None:
        refused = (name, f"{type(error).__name__}: {error}")
        if refused == self._refused and not isinstance(error, StoreUnavailable):
            # reading a large publication again and again would cost a core
            self._pause = min(LONGEST_PAUSE, 2 * self._pause + 1)
        else:
            self._pause = 0
        self._left = self._pause
        if refused != self._refused:
            self._refused = refused
            self.measures.published("refused")
            logger.error("Publication %s is not taken: %s", name or "of the store", refused[1])


def prepared(publication: Publication) -> Scorer:
    """The scorer of a publication, with what its first request would otherwise wait for."""
    scorer = Scorer(publication)
    scorer.warm()
    return scorer
