"""Polls a store for newer publications; the current one is served until its successor has been validated."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from ripple.serving.errors import StoreUnavailable
from ripple.serving.prometheus import ServiceMetrics
from ripple.serving.publications.publication import Publication
from ripple.serving.publications.stores import Store
from ripple.serving.scorer import Scorer

MAX_SKIPPED_POLLS = 31
"""The number of polls, at most, that are skipped before a refused publication is opened again."""

logger = logging.getLogger("bentoml.ripple")


class StorePoller:
    """Polls *store* for its current publication and hands over a scorer whenever that changes.

    Args:
        on_change: Called with the scorer of every publication that is taken.
        served: Name of the publication that is served at first.
        seconds: Time between two polls.
    """

    def __init__(
        self,
        store: Store,
        metrics: ServiceMetrics,
        on_change: Callable[[Scorer], None],
        served: str,
        seconds: float,
    ) -> None:
        self.store = store
        self.metrics = metrics
        self.on_change = on_change
        self.served = served
        self.seconds = seconds
        self._refused: tuple[str | None, str] | None = None
        self._backoff = self._polls_to_skip = 0

    async def run(self) -> None:
        """Poll until cancelled; a failure is logged once and tried again."""
        while True:
            await self.poll()
            await asyncio.sleep(self.seconds)

    async def poll(self) -> None:
        """Take the current publication if it is not the one that is served."""
        name = None
        try:
            name = await self.store.current()
            if name is None or name == self.served:
                self._refused = None
                return
            if self._polls_to_skip and self._refused is not None and self._refused[0] == name:
                self._polls_to_skip -= 1
                return
            scorer = await asyncio.to_thread(warmed_up_scorer, await self.store.open(name))
        except Exception as error:
            self._refuse(name, error)
            return
        self.on_change(scorer)
        self.served, self._refused = name, None
        logger.info("Serving publication %s.", name)

    def _refuse(self, name: str | None, error: Exception) -> None:
        refused = (name, f"{type(error).__name__}: {error}")
        if refused == self._refused and not isinstance(error, StoreUnavailable):
            # reading a large publication again and again would cost a core
            self._backoff = min(MAX_SKIPPED_POLLS, 2 * self._backoff + 1)
        else:
            self._backoff = 0
        self._polls_to_skip = self._backoff
        if refused != self._refused:
            self._refused = refused
            self.metrics.count_publication("refused")
            logger.error("Publication %s is not taken: %s", name or "of the store", refused[1])


def warmed_up_scorer(publication: Publication) -> Scorer:
    """The scorer of *publication*, warmed up so that its first request is as fast as the others."""
    scorer = Scorer(publication)
    scorer.warm_up()
    return scorer
