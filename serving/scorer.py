"""From a request to its answer: look up or read features, score, rank, explain. Knows nothing of HTTP."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from models import Bundle
from models.bundle import SCORES, Head
from models.population import top_count
from models.reasons import reasons
from serving.refusals import RequestError, nearest, shorten
from serving.schemas import CustomerFeatures, CustomerScore, Reason, Reasons, ScoreRequest, ScoreResponse
from serving.snapshot import Snapshot


@dataclass(frozen=True)
class _Asked:
    """A customer to score: its features, and its row where they are exactly the snapshot's."""

    customer_id: str | None
    features: np.ndarray
    overridden: list[str]
    row: int | None


class Scorer:
    """One model version and the snapshot it scores from."""

    def __init__(self, bundle: Bundle, snapshot: Snapshot, version: str) -> None:
        self.bundle = bundle
        self.snapshot = snapshot
        self.version = version
        self._position = {name: position for position, name in enumerate(bundle.spec.names)}
        self._top_size = top_count(bundle.spec.top_share, snapshot.size)

    @classmethod
    def load(cls, folder: Path, version: str) -> Scorer:
        """Read ``bundle/`` and ``snapshot.parquet`` in *folder*.

        Raises:
            FeatureMismatch, SnapshotError: they do not fit together.
        """
        bundle = Bundle.load(folder / "bundle")
        return cls(bundle, Snapshot.load(folder / "snapshot.parquet", bundle.spec.names), version)

    def agrees(self) -> bool:
        """Whether the snapshot's first customer scores to exactly what the batch job stored.

        Another build of LightGBM or NumPy, or a snapshot of another model, shows here before it is served.
        """
        scored = self.bundle.score_matrix(self.snapshot.features[:1])
        return all(scored[name][0] == self.snapshot.scores[name][0] for name in SCORES)

    def answer(self, request: ScoreRequest) -> ScoreResponse:
        """Score everyone asked for.

        Raises:
            RequestError: a feature is unknown, or missing for a customer the snapshot does not know.
        """
        asked: list[_Asked] = []
        not_found: list[str] = []
        for customer_id in request.customer_ids or ():
            row = self.snapshot.row_of(customer_id)
            if row is None:
                not_found.append(customer_id)
            else:
                asked.append(self._known(customer_id, row))
        asked.extend(self._sent(index, sent) for index, sent in enumerate(request.customers or ()))
        return ScoreResponse(
            model_version=self.version,
            as_of=self.snapshot.as_of,
            currency=self.bundle.spec.currency,
            horizon_days=self.bundle.spec.horizon_days,
            customers=self._score(asked, request.reasons),
            not_found=not_found,
        )

    def _known(self, customer_id: str, row: int) -> _Asked:
        return _Asked(customer_id, self.snapshot.features[row], [], row)

    def _sent(self, index: int, sent: CustomerFeatures) -> _Asked:
        where = f"customers[{index}].features"
        for name in sent.features:
            if name not in self._position:
                raise RequestError(
                    "unknown_feature",
                    f"The model has no feature '{shorten(name)}'.",
                    f"{where}.{shorten(name)}",
                    nearest(name, self._position),
                )
        row = None if sent.customer_id is None else self.snapshot.row_of(sent.customer_id)
        if sent.customer_id is not None and row is not None and not sent.features:
            return self._known(sent.customer_id, row)
        missing = [name for name in self._position if name not in sent.features] if row is None else []
        if missing:
            raise RequestError(
                "missing_feature",
                f"Feature '{missing[0]}' is missing ({len(missing)} of {len(self._position)} are), "
                "and the snapshot does not know this customer.",
                f"{where}.{missing[0]}",
                "Send every feature, null where it is undefined, or the id of a customer of the snapshot.",
            )
        features = np.empty(len(self._position)) if row is None else self.snapshot.features[row].copy()
        for name, value in sent.features.items():
            features[self._position[name]] = math.nan if value is None else value
        return _Asked(sent.customer_id, features, [] if row is None else list(sent.features), None)

    def _score(self, asked: list[_Asked], wanted: int) -> list[CustomerScore]:
        x = np.array([one.features for one in asked]).reshape(len(asked), len(self._position))
        scores = {name: column.tolist() for name, column in self.bundle.score_matrix(x).items()}
        value, top = self._reasons("value", x, wanted), self._reasons("top", x, wanted)
        return [
            CustomerScore(
                customer_id=one.customer_id,
                **{name: scores[name][index] for name in SCORES},
                **self._standing(one, scores["network_value"][index]),
                overridden=one.overridden,
                reasons=Reasons(value=value[index], top=top[index]),
            )
            for index, one in enumerate(asked)
        ]

    def _standing(self, one: _Asked, network_value: float) -> dict[str, Any]:
        if one.row is None:
            rank = self.snapshot.rank_of(network_value)
            return {"rank": rank, "top_member": rank <= self._top_size}
        return {
            "rank": int(self.snapshot.rank[one.row]),
            "top_member": bool(self.snapshot.top_member[one.row]),
        }

    def _reasons(self, head: Head, x: np.ndarray, wanted: int) -> list[list[Reason]]:
        if wanted == 0:  # which means all of them to models.reasons
            return [[] for _ in x]
        return [[Reason(**vars(one)) for one in row] for row in reasons(self.bundle, head, x, wanted)]
