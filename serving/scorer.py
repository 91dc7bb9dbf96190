"""From a request to its answer: look up or read features, score, rank, explain. Independent of HTTP."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from ripple.models.batch_scoring import top_count
from ripple.models.bundle import RANGE_SCORES
from ripple.serving.errors import RequestError, StoreUnavailable, shorten, suggestion
from ripple.serving.lists.answers import ListAnswers, utc
from ripple.serving.lists.what_if import WhatIfAnswers
from ripple.serving.publications import experiments
from ripple.serving.publications.influence import parse_texts
from ripple.serving.publications.publication import Publication
from ripple.serving.publications.snapshot import Lookup
from ripple.serving.requests import Customer, RequestParser, Scoring
from ripple.serving.schemas import TopRequest
from ripple.serving.score_explanations import Contributions

TOLERANCE = 1e-9
"""The relative difference up to which an explanation adds up to its score."""

Answer = dict[str, Any]
Work = Callable[[], list[Answer]]


class Scorer:
    """Scores the customers of one publication, and others by their features.

    Attributes:
        what_if: Adds what answers say of features sent, and of changes of them.
        lists: Answers with plays, the history, changes.
        inexact_explanations: The number of explanations that did not add up to the score served; whoever
            reports it sets it back to 0.
    """

    def __init__(self, publication: Publication) -> None:
        self.publication = publication
        self.customers = publication.customers
        self.explainer = publication.explainer
        self.bundle = publication.explainer.bundle
        spec = self.bundle.spec
        self._feature_index = {name: index for index, name in enumerate(spec.names)}
        self.parser = RequestParser(spec.names)
        self._top_count = top_count(spec.top_share, self.customers.size)
        self._header = {
            "model_version": publication.version,
            "as_of": utc(self.customers.as_of),
            "currency": spec.currency,
            "horizon_days": spec.horizon_days,
        }
        self.what_if = WhatIfAnswers(self.bundle)
        self.lists = ListAnswers(publication, self._header, self._top_count, self._find)
        self.inexact_explanations = 0

    def warm_up(self) -> None:
        """Compute what is computed once, for which the first request would otherwise wait."""
        x = np.zeros((1, len(self._feature_index)))
        list(self.explainer.explain(x, self.explainer.contributions(x), 1))
        self.customers.negated_values.searchsorted(0.0)

    async def score(self, request: Scoring, run: Callable[[Work], Awaitable[list[Answer]]]) -> Answer:
        """A `ScoreResponse` as plain data, with the work on it left to *run*.

        Raises:
            RequestError: a feature is missing for a customer the snapshot does not know.
            StoreUnavailable: customers cannot be looked up now.
        """
        lookup: Lookup | None
        if request.customers is None:
            ids = request.customer_ids or []
            lookup = await self.customers.find(ids)
            work = partial(self._published_answers, lookup, request.explain, request.suggest)
            known = set(lookup.ids)
            not_found = [name for name in ids if name not in known] if len(lookup.ids) < len(ids) else []
        else:
            sent = request.customers
            named = [customer.customer_id for customer in sent if customer.customer_id is not None]
            lookup = await self.customers.find(named) if named else None
            work = partial(self._computed_answers, sent, lookup, request.explain, request.suggest)
            not_found = []
        return self._header | {"customers": await run(work), "not_found": not_found}

    async def customer(self, customer_id: str, explain: int) -> Answer:
        """A `CustomerResponse` as plain data.

        Raises:
            RequestError: nobody has this id.
            StoreUnavailable: customers cannot be looked up now.
        """
        lookup = await self._find(customer_id)
        try:
            arms = experiments.parse(await self.customers.arms(customer_id, lookup.ranks[0]))
        except ValueError as error:
            raise StoreUnavailable("it holds arms that cannot be read: publish again.") from error
        return self._header | {"customer": self._published_answers(lookup, explain)[0], "experiments": arms}

    def experiments(self) -> Answer:
        """An `ExperimentsResponse` as plain data."""
        return self._header | {"experiments": self.customers.experiments}

    def experiment(self, name: str) -> Answer:
        """An `ExperimentResponse` as plain data.

        Raises:
            RequestError: no experiment of this name was published.
        """
        for one in self.customers.experiments:
            if one["name"] == name:
                return self._header | {"experiment": one}
        known = [one["name"] for one in self.customers.experiments]
        raise RequestError(
            404,
            "unknown_experiment",
            f"No experiment '{shorten(name)}' was published as of {self.customers.as_of}.",
            "name",
            suggestion(name, known)
            if known
            else "Design one with `ripple experiment design`, then `ripple publish`.",
        )

    async def influence(self, customer_id: str) -> Answer:
        """An `InfluenceResponse` as plain data.

        Raises:
            RequestError: nobody has this id, or the publication holds no influence.
            StoreUnavailable: customers cannot be looked up now.
        """
        window = self.customers.window
        if window is None:
            raise RequestError(
                404,
                "influence_not_published",
                "What is served holds scores, and not who influenced whom.",
                "service",
                "Publish with `ripple publish` of this version.",
            )
        lookup = await self._find(customer_id)
        try:
            texts = parse_texts(await self.customers.influence(customer_id, lookup.ranks[0]))
        except ValueError as error:
            raise StoreUnavailable("it holds influence that cannot be read: publish again.") from error
        return self._header | {
            "customer_id": customer_id,
            "window_start": utc(window.start),
            "window_end": utc(window.end),
            "influenced": texts.influenced,
            "influenced_by": texts.influenced_by,
        }

    async def _find(self, customer_id: str) -> Lookup:
        """A customer who is known."""
        lookup = await self.customers.find([customer_id])
        if not lookup.ids:
            raise RequestError(
                404,
                "unknown_customer",
                f"The snapshot as of {self.customers.as_of} does not know customer '{shorten(customer_id)}'.",
                "customer_id",
                "Check the id, or send the customer's features to POST /v1/score.",
            )
        return lookup

    async def top(self, request: TopRequest, run: Callable[[Work], Awaitable[list[Answer]]]) -> Answer:
        """A `TopResponse` as plain data, with the work on it left to *run*.

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
                suggestion(request.segment, segments),
            )
        lookup = await self.customers.top(request.segment, request.offset, request.limit)
        total = self.customers.size if request.segment is None else segments[request.segment]
        customers = await run(partial(self._published_answers, lookup, 0))
        return self._header | {"customers": customers, "total": total} | request.model_dump()

    def model(self) -> Answer:
        """A `ModelResponse` as plain data."""
        spec = self.bundle.spec
        return self._header | {
            "customers": self.customers.size,
            "top_share": spec.top_share,
            "trained_until": utc(spec.trained_until),
            "label": spec.label,
            "interval_coverage": spec.coverage,
            "features": [
                vars(feature) | self._levels(feature.name) | self.what_if.described(feature.name)
                for feature in spec.features
            ],
            "segments": self.customers.segments,
            **self.publication.documentation,
        }

    def _levels(self, feature: str) -> Answer:
        """The levels of a feature that is a category, with the number that stands for each; else None."""
        category = self.bundle.spec.category_by_feature.get(feature)
        return {"levels": None if category is None else category.value_by_level}

    def _published_answers(self, lookup: Lookup, explain: int, suggest: int = 0) -> list[Answer]:
        """Answers with the scores of the publication."""
        answers = self._answers(lookup.ids, lookup.scores, lookup.ranks, [[]] * len(lookup.ids))
        if explain:
            self._add_explanations(answers, lookup.features, lookup.contributions, explain)
        if suggest:
            self.what_if.add_suggestions(answers, lookup.features, suggest)
        return answers

    def _computed_answers(
        self, sent: Sequence[Customer], lookup: Lookup | None, explain: int, suggest: int
    ) -> list[Answer]:
        """Answers computed from features; a known customer without overrides keeps its published scores."""
        row_by_id = {} if lookup is None else {customer_id: row for row, customer_id in enumerate(lookup.ids)}
        rows = [
            None if customer.customer_id is None else row_by_id.get(customer.customer_id) for customer in sent
        ]
        x = np.array(
            [
                self._features(
                    index, customer, None if lookup is None or row is None else lookup.features[row]
                )
                for index, (customer, row) in enumerate(zip(sent, rows, strict=True))
            ],
            dtype=np.float64,
        )
        scores_by_name = self.bundle.score_matrix(x)
        scores = np.stack([scores_by_name[name] for name in self.bundle.score_names], axis=1)
        ranks = (self.customers.negated_values.searchsorted(-scores[:, 0], side="left") + 1).tolist()
        overridden: list[list[str]] = []
        for index, (customer, row) in enumerate(zip(sent, rows, strict=True)):
            overridden.append([] if row is None else list(customer.features))
            if lookup is not None and row is not None and not customer.features:
                scores[index], ranks[index] = lookup.scores[row], lookup.ranks[row]
        answers = self._answers([customer.customer_id for customer in sent], scores, ranks, overridden)
        if explain:
            self._add_explanations(answers, x, self.explainer.contributions(x), explain)
        self.what_if.add_flags(answers, x, sent)
        if suggest:
            self.what_if.add_suggestions(answers, x, suggest)
        return answers

    def _features(
        self, index: int, sent: Customer, published: np.ndarray | None
    ) -> Sequence[float | None] | np.ndarray:
        """A customer's features in the boosters' order: those sent, and the others as they were published."""
        values = sent.features
        if published is None and len(values) == len(self._feature_index):
            return [values[name] for name in self._feature_index]
        if published is None:
            missing = [name for name in self._feature_index if name not in values]
            raise RequestError(
                422,
                "missing_feature",
                f"Feature '{missing[0]}' is missing ({len(missing)} of {len(self._feature_index)} are), "
                "and the snapshot does not know this customer.",
                f"customers[{index}].features.{missing[0]}",
                "Send every feature, null where it is undefined, or the id of a customer of the snapshot.",
            )
        row = published.copy()
        for name, value in values.items():
            row[self._feature_index[name]] = math.nan if value is None else value
        return row

    def _answers(
        self,
        ids: Sequence[str | None],
        scores: np.ndarray,
        ranks: Sequence[int],
        overridden: Sequence[list[str]],
    ) -> list[Answer]:
        size, members = self.customers.size, self._top_count
        # versions before the heads of a range do not tell it
        no_range = [] if self.bundle.ranges else [None] * len(RANGE_SCORES)
        return [
            {
                "customer_id": customer_id,
                "network_value": value,
                "network_value_low": low,
                "network_value_high": high,
                **dict(zip(RANGE_SCORES, any_value or no_range, strict=True)),
                "top_probability": probability,
                "top_member": rank <= members,
                "rank": rank,
                "percentile": 100 * (size - rank + 1) / size,
                "overridden": features,
            }
            for customer_id, (value, low, high, probability, *any_value), rank, features in zip(
                ids, scores.tolist(), ranks, overridden, strict=True
            )
        ]

    def _add_explanations(
        self, answers: list[Answer], x: np.ndarray, contributions: Contributions, explain: int
    ) -> None:
        explanations = self.explainer.explain(x, contributions, explain)
        for answer, (explanation, value, probability) in zip(answers, explanations, strict=True):
            answer["explanation"] = explanation
            pairs = ((value, answer["network_value"]), (probability, answer["top_probability"]))
            self.inexact_explanations += any(
                abs(total - served) > TOLERANCE * served for total, served in pairs
            )
