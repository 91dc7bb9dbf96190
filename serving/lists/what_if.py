"""What an answer says of features sent that are impossible or unseen, and of changes that would help."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ripple.models.bundle import Bundle
from ripple.models.reasons import feature_in_words, value_in_words
from ripple.models.value_checks import Flag, ValueChecks
from ripple.models.what_if import Change, WhatIf, is_controllable
from ripple.serving.requests import Customer

Answer = dict[str, Any]


class WhatIfAnswers:
    """Adds to the answers of one *bundle*."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle
        self._spec = bundle.spec
        self._checks = ValueChecks(bundle)
        self._index = {name: column for column, name in enumerate(bundle.spec.names)}
        self._what_if: WhatIf | None = None

    def add_flags(self, answers: Sequence[Answer], x: np.ndarray, sent: Sequence[Customer]) -> None:
        """Add `flagged` to the *answers* with values sent that are impossible or unseen; not if published."""
        flags = list(self._checks.flags(x))
        for flag in flags:
            name = self._spec.names[flag.column]
            if name in sent[flag.row].features:
                found = self._flagged(name, float(x[flag.row, flag.column]), flag)
                answers[flag.row].setdefault("flagged", []).append(found)

    def add_suggestions(self, answers: Sequence[Answer], x: np.ndarray, number: int) -> None:
        """Add `suggestions` to *answers*: the changes of *number* features that raise the value most."""
        # its trees are read once somebody asks
        self._what_if = self._what_if or WhatIf(self._bundle, self._checks)
        for answer, row in zip(answers, x, strict=True):
            now = float(answer["network_value"])
            answer["suggestions"] = [
                self._suggestion(change, float(row[change.column]), now)
                for change in self._what_if.changes(row, number)
            ]

    def described(self, name: str) -> Answer:
        """What training saw of a feature, and whether it is controllable."""
        column = self._index[name]
        return {
            "controllable": is_controllable(self._spec.features[column]),
            "seen_low": _finite(self._checks.seen[column, 0]),
            "seen_high": _finite(self._checks.seen[column, 1]),
        }

    def _flagged(self, name: str, value: float, flag: Flag) -> Answer:
        low, high = _finite(flag.low), _finite(flag.high)
        if name in self._spec.category_by_feature:
            expected = "one of the values of /v1/model"
        elif low is None or high is None:
            expected = f"at least {low:g}" if low is not None else "another value"
        else:
            expected = f"{low:g} or {high:g}" if self._is_flag(flag) else f"{low:g} to {high:g}"
        what = "is impossible" if flag.rule == "impossible" else "is outside of what training saw"
        text = f"{feature_in_words(name)} = {value:g} {what}: expected {expected}."
        return {"feature": name, "value": value, "rule": flag.rule, "low": low, "high": high, "text": text}

    def _is_flag(self, flag: Flag) -> bool:
        return self._spec.features[flag.column].unit == "flag"

    def _suggestion(self, change: Change, value: float, now: float) -> Answer:
        feature = self._spec.features[change.column]
        words, other = (value_in_words(self._spec, feature.name, one) for one in (value, change.value))
        more = change.network_value - now
        return {
            "feature": feature.name,
            "family": feature.family,
            "value": None if math.isnan(value) else value,
            "to": change.value,
            "network_value": change.network_value,
            "change": more,
            "text": f"With {feature_in_words(feature.name)} of {other} instead of {words}, the model expects "
            f"{more:,.2f} {self._spec.currency} more.",
        }


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
