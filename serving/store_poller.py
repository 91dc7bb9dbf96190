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

RENEWAL_SECONDS = 600.0
"""The time, at most, between two polls, each of which also keeps the store from removing what is served."""
MAX_SKIPPED_POLLS = 31
"""The number of polls, at most, that are skipped before a refused publication is opened again."""

logger = logging.getLogger("bentoml.ripple")


class StorePoller:
    """Polls *store* for its current publication and hands over a scorer whenever that changes.

    Args:
        on_change: Called with the scorer of every publication that is taken.
        served: The publication that is served at first.
        seconds: Time between two polls, at most `RENEWAL_SECONDS`.

    Attributes:
        is_lost: Whether the store no longer holds the customers that are served.
    """

    def __init__(
        self,
        store: Store,
        metrics: ServiceMetrics,
        on_change: Callable[[Scorer], None],
        served: Publication,
        seconds: float,
    ) -> None:
        self.store = store
        self.metrics = metrics
        self.on_change = on_change
        self.served = served
        self.seconds = min(seconds, RENEWAL_SECONDS)
        self.is_lost = False
        self._refused: tuple[str | None, str] | None = None
        self._backoff = self._polls_to_skip = 0

    async def run(self) -> None:
        """Poll until cancelled; a failure is logged once and tried again."""
        while True:
            await self.poll()
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                # the client of Redis takes a cancellation for a connection that was lost
                return
            await asyncio.sleep(self.seconds)

    async def poll(self) -> None:
        """Renew the publication that is served, and take the current one if that is another one."""
        name = None
        try:
            await self._renew()
            name = await self.store.current()
            if name is None or name == self.served.name:
                self._refused = None
                return
            if self._polls_to_skip and self._refused is not None and self._refused[0] == name:
                self._polls_to_skip -= 1
                return
            publication = await self.store.open(name)
            scorer = await asyncio.to_thread(warmed_up_scorer, publication)
        except Exception as error:
            self._refuse(name, error)
            return
        self.on_change(scorer)
        self.served, self.is_lost, self._refused = publication, False, None
        logger.info("Serving publication %s.", name)

    async def _renew(self) -> None:
        was_lost, self.is_lost = self.is_lost, not await self.served.customers.renew()
        if self.is_lost and not was_lost:
            logger.error("The store no longer holds publication %s: publish again.", self.served.name)

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
