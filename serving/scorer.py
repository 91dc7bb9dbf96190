"""From a request to its answer: look up or read features, score, rank, explain. Knows nothing of HTTP."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from ripple.models.batch_scoring import top_count
from ripple.models.bundle import SCORES
from ripple.serving.errors import RequestError, nearest, shorten
from ripple.serving.publications.publication import Publication
from ripple.serving.publications.snapshot import Found
from ripple.serving.schemas import CustomerFeatures, ScoreRequest, TopRequest
from ripple.serving.score_explanations import Parts

EXACT = 1e-9
"""How far the parts of a score may be off it, relative to it."""

MUCH = 200
"""Customers and reasons of more than a few milliseconds, for which the event loop must not stand still."""

Answer = dict[str, Any]


class Scorer:
    """One publication, and how its customers and others are scored with it."""

    def __init__(self, publication: Publication) -> None:
        self.publication = publication
        self.customers = publication.customers
        self.explainer = publication.explainer
        self.bundle = publication.explainer.bundle
        spec = self.bundle.spec
        self._position = {name: position for position, name in enumerate(spec.names)}
        self._top_size = top_count(spec.top_share, self.customers.size)
        self._header = {
            "model_version": publication.version,
            "as_of": self.customers.as_of,
            "currency": spec.currency,
            "horizon_days": spec.horizon_days,
        }
        self.inexact = 0
        """How many explanations did not add up to the score served, until somebody takes the number."""

    def warm(self) -> None:
        """Do once what the first request would otherwise wait for."""
        x = np.zeros((1, len(self._position)))
        list(self.explainer.tell(x, self.explainer.parts(x), 1))
        self.customers.falling.searchsorted(0.0)

    async def score(self, request: ScoreRequest) -> Answer:
        """A `ScoreResponse` as plain data.

        Raises:
            RequestError: a feature is unknown, or missing for a customer the snapshot does not know.
            StoreUnavailable: customers cannot be looked up now.
        """
        sent = request.customers
        found: Found | None
        if sent is None:
            asked = request.customer_ids or []
            found = await self.customers.find(asked)
            work = partial(self._found, found, request.explain)
            known = set(found.ids)
            missing = [one for one in asked if one not in known] if len(found.ids) < len(asked) else []
        else:
            named = [one.customer_id for one in sent if one.customer_id is not None]
            found = await self.customers.find(named) if named else None
            work, missing = partial(self._sent, sent, found, request.explain), []
        much = request.size * (1 + request.explain) > MUCH
        customers = await asyncio.to_thread(work) if much else work()
        return self._header | {"customers": customers, "not_found": missing}

    async def customer(self, customer_id: str, explain: int) -> Answer:
        """A `CustomerResponse` as plain data.

        Raises:
            RequestError: nobody has this id.
            StoreUnavailable: customers cannot be looked up now.
        """
        found = await self.customers.find([customer_id])
        if not found.ids:
            raise RequestError(
                404,
                "unknown_customer",
                f"The snapshot as of {self.customers.as_of} does not know customer '{shorten(customer_id)}'.",
                "customer_id",
                "Check the id, or send the customer's features to POST /v1/score.",
            )
        return self._header | {"customer": self._found(found, explain)[0]}

    async def top(self, request: TopRequest) -> Answer:
        """A `TopResponse` as plain data.

        Raises:
            RequestError: there is no such segment.
            StoreUnavailable: customers cannot be looked up now.
        """
        segments = self.customers.segments
        if request.segment is not None and request.segment not in segments:
            raise RequestError(
                422,
                "unknown_segment",
                f"There is no segment '{shorten(request.segment)}'.",
                "segment",
                nearest(request.segment, segments),
            )
        found = await self.customers.top(request.segment, request.offset, request.limit)
        total = self.customers.size if request.segment is None else segments[request.segment]
        return self._header | {"customers": self._found(found, 0), "total": total} | request.model_dump()

    def model(self) -> Answer:
        """A `ModelResponse` as plain data."""
        spec = self.bundle.spec
        return self._header | {
            "customers": self.customers.size,
            "top_share": spec.top_share,
            "trained_until": spec.trained_until,
            "label": spec.label,
            "interval_coverage": spec.interval.coverage,
            "features": [vars(feature) for feature in spec.features],
            "segments": self.customers.segments,
            **self.publication.about,
        }

    def _found(self, found: Found, explain: int) -> list[Answer]:
        """Customers as they were scored when the snapshot was published."""
        told = self._told(found.ids, found.scores, found.ranks, [[]] * len(found.ids))
        if explain:
            self._explain(told, found.features, found.parts, explain)
        return told

    def _sent(self, sent: Sequence[CustomerFeatures], found: Found | None, explain: int) -> list[Answer]:
        """Customers by features sent, scored here; one with nothing overridden is as it was published."""
        places = {} if found is None else {customer_id: place for place, customer_id in enumerate(found.ids)}
        known = [None if one.customer_id is None else places.get(one.customer_id) for one in sent]
        x = np.array(
            [
                self._row(index, one, None if found is None or place is None else found.features[place])
                for index, (one, place) in enumerate(zip(sent, known, strict=True))
            ],
            dtype=np.float64,
        )
        scored = self.bundle.score_matrix(x)
        scores = np.stack([scored[name] for name in SCORES], axis=1)
        ranks = (self.customers.falling.searchsorted(-scores[:, 0], side="left") + 1).tolist()
        overridden: list[list[str]] = []
        for index, (one, place) in enumerate(zip(sent, known, strict=True)):
            overridden.append([] if place is None else list(one.features))
            if found is not None and place is not None and not one.features:
                scores[index], ranks[index] = found.scores[place], found.ranks[place]
        told = self._told([one.customer_id for one in sent], scores, ranks, overridden)
        if explain:
            self._explain(told, x, self.explainer.parts(x), explain)
        return told

    def _row(
        self, index: int, sent: CustomerFeatures, published: np.ndarray | None
    ) -> Sequence[float | None] | np.ndarray:
        """A customer's features in the boosters' order: those sent, and the others as they were published."""
        given = sent.features
        if published is None and len(given) == len(self._position):
            try:
                return [given[name] for name in self._position]
            except KeyError:
                pass  # as many as are needed, but not all of those: told below
        for name in given:
            if name not in self._position:
                raise RequestError(
                    422,
                    "unknown_feature",
                    f"The model has no feature '{shorten(name)}'.",
                    f"customers[{index}].features.{shorten(name)}",
                    nearest(name, self._position),
                )
        if published is None:
            missing = [name for name in self._position if name not in given]
            raise RequestError(
                422,
                "missing_feature",
                f"Feature '{missing[0]}' is missing ({len(missing)} of {len(self._position)} are), "
                "and the snapshot does not know this customer.",
                f"customers[{index}].features.{missing[0]}",
                "Send every feature, null where it is undefined, or the id of a customer of the snapshot.",
            )
        row = published.copy()
        for name, value in given.items():
            row[self._position[name]] = math.nan if value is None else value
        return row

    def _told(
        self,
        ids: Sequence[str | None],
        scores: np.ndarray,
        ranks: Sequence[int],
        overridden: Sequence[list[str]],
    ) -> list[Answer]:
        size, most = self.customers.size, self._top_size
        return [
            {
                "customer_id": customer_id,
                "network_value": value,
                "network_value_low": low,
                "network_value_high": high,
                "top_probability": probability,
                "top_member": rank <= most,
                "rank": rank,
                "percentile": 100 * (size - rank + 1) / size,
                "overridden": own,
            }
            for customer_id, (value, low, high, probability), rank, own in zip(
                ids, scores.tolist(), ranks, overridden, strict=True
            )
        ]

    def _explain(self, told: list[Answer], x: np.ndarray, parts: Parts, explain: int) -> None:
        explained = self.explainer.tell(x, parts, explain)
        for one, (explanation, value, probability) in zip(told, explained, strict=True):
            one["explanation"] = explanation
            pairs = ((value, one["network_value"]), (probability, one["top_probability"]))
            self.inexact += any(abs(found - served) > EXACT * served for found, served in pairs)
