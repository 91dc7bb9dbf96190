"""Attributes of customers as features: numbers as they are, categories by what such customers brought.

A category is encoded by its outcome, in order of time: the mean outcome, in the window that closed last
before the cutoff, of the customers who had the level when it began, relative to the mean of all. Nothing of
it comes from after the cutoff, so no target leaks. Means of few customers are shrunk to that of all by
credibility (Bühlmann & Straub 1970; for categories Micci-Barreca 2001): where levels differ by no more than
chance, all of them stand at the average.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from ripple.errors import InputError
from ripple.features.registry import Feature
from ripple.features.tables.attributes import AttributeHistory
from ripple.suggestions import nearest

Kind = Literal["number", "flag", "category"]

VIEW, FAMILY, PREFIX = "attributes", "attributes", "attribute_"
"""The view and the family of these features, and what their names begin with."""
AVERAGE = 1.0
"""The value of a level that nothing is known of: that of all customers."""
MAX_LEVELS = 50
"""The number of levels of a category that have a value of their own, at most; the others share one."""
MIN_CUSTOMERS = 20
"""The number of customers from which a level has a value of its own."""
OUTCOME_QUANTILE = 0.75
"""The quantile of positive outcomes at which they are capped: few hold most, and means would be noise."""
DECIMALS = 4
"""The decimals of the value of a level, so that machines that add up differently agree."""
FLAGS = ("true", "false")
"""What a flag is in text."""
DESCRIPTIONS: dict[Kind, str] = {
    "number": "The attribute “{name}” of the customer, as it was known before the cutoff.",
    "flag": "Whether the attribute “{name}” of the customer was true before the cutoff.",
    "category": (
        "The attribute “{name}” of the customer, by what customers of its level brought in the window that "
        "closed before the cutoff ÷ what all did: 1 is the average, and the value of levels without history."
    ),
}
UNITS: dict[Kind, str] = {"number": "number", "flag": "flag", "category": "times the average"}


@dataclass(frozen=True)
class AttributeFeature:
    """An attribute of customers that is a feature, by its name in the data."""

    name: str
    kind: Kind

    @property
    def feature(self) -> str:
        """The name of the feature: letters, digits and underscores, as LightGBM allows them."""
        return PREFIX + re.sub(r"\W+", "_", self.name).strip("_").lower()

    @property
    def definition(self) -> Feature:
        """The feature, a column of the view of `values`."""
        return Feature(
            self.feature,
            FAMILY,
            UNITS[self.kind],
            DESCRIPTIONS[self.kind].format(name=self.name),
            VIEW,
            None,
            (self.feature,),
            lambda view, as_of: view[self.feature],
        )


@dataclass(frozen=True)
class Encoding:
    """The values of the levels of a category at a cutoff, the most frequent level first.

    Attributes:
        levels: level → value, relative to the average; rare levels have the value `other`.
        other: the value of levels that are rare or were not there.
    """

    levels: Mapping[str, float]
    other: float = AVERAGE

    @classmethod
    def of(cls, levels: pd.Series, outcomes: pd.Series) -> Encoding:
        """The encoding by *outcomes*, at least 0, of customers who have *levels*, some of them undefined."""
        known = pd.DataFrame({"level": levels, "outcome": outcomes}).dropna()
        known = known.sort_values(["level", "outcome"])
        counts = known["level"].value_counts().sort_index().sort_values(ascending=False, kind="stable")
        frequent = counts.index[counts >= MIN_CUSTOMERS][:MAX_LEVELS]
        positive = known["outcome"][known["outcome"] > 0]
        if positive.empty:
            return cls(dict.fromkeys(counts.index, AVERAGE))
        capped = known["outcome"].clip(0, np.quantile(positive, OUTCOME_QUANTILE))
        codes = pd.Index(frequent).get_indexer(known["level"])
        codes[codes < 0] = len(frequent)
        values = np.round(_credible_means(codes, (capped / capped.mean()).to_numpy()), DECIMALS)
        other = float(values[len(frequent)]) if len(values) > len(frequent) else AVERAGE
        own = dict(zip(frequent, values.tolist(), strict=False))
        return cls({level: own.get(level, other) for level in counts.index}, other)

    def value(self, level: ir.StringColumn) -> ir.FloatingColumn:
        """The value of each *level*, null where it is."""
        own = [(level == name, value) for name, value in self.levels.items() if value != self.other]
        encoded = ibis.cases(*own, else_=self.other) if own else ibis.literal(self.other)
        return ibis.ifelse(level.isnull(), ibis.null("float64"), encoded.cast("float64"))


def _credible_means(codes: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The mean of *values*, which are 1 on average, in each group of *codes*, shrunk to 1 by credibility.

    A group of n has the weight n ÷ (n + σ² ÷ τ²), with the variances σ² within and τ² between groups
    estimated as in a one-way analysis of variance (Bühlmann & Straub 1970).
    """
    size = np.bincount(codes).astype(float)
    groups, total = int((size > 0).sum()), len(values)
    means = np.divide(np.bincount(codes, values), size, out=np.ones(len(size)), where=size > 0)
    if groups < 2 or total <= groups:
        return np.ones(len(size))
    within = float(((values - means[codes]) ** 2).sum()) / (total - groups)
    between = float((size * (means - 1) ** 2).sum()) - (groups - 1) * within
    between /= total - float((size**2).sum()) / total
    if between <= 0:
        return np.ones(len(size))
    return 1 + size / (size + within / between) * (means - 1)


def validate_names(
    chosen: Sequence[str] | None, known: Mapping[str, bool], shown: Collection[str]
) -> tuple[str, ...]:
    """The attributes that are features.

    Args:
        chosen: those that the settings name; None for all that change, but for those that are *shown*.
        known: the attributes that there are, and whether each is of the table ``attributes``.
        shown: those that name a customer and their owner to people.

    Raises:
        InputError: one is named that is not there, or two would be features of one name.
    """
    if chosen is None:
        names = tuple(name for name, changes in known.items() if changes and name not in shown)
    else:
        names = tuple(dict.fromkeys(chosen))
    if unknown := [name for name in names if name not in known]:
        found = f"; found {', '.join(known)}" if known else "; there are none in these data"
        raise InputError(
            f"ripple.toml: features.attributes: no attribute is called '{unknown[0]}'"
            f"{nearest(unknown[0], known)}{found}"
        )
    by_feature: dict[str, str] = {}
    for name in names:
        other = by_feature.setdefault(AttributeFeature(name, "number").feature, name)
        if other != name:
            raise InputError(
                f"attributes: '{other}' and '{name}' differ only by case or signs, and would be one feature: "
                "rename one, or name those to use in [features] attributes of ripple.toml."
            )
    return names


def attribute_features(
    names: Iterable[str], customers: ir.Table, history: AttributeHistory | None
) -> tuple[AttributeFeature, ...]:
    """The attributes *names* with their kinds: a number or flag if all values are, else a category.

    Raises:
        InputError: an attribute is a time.
    """
    return tuple(AttributeFeature(name, _kind(name, customers, history)) for name in names)


def _kind(name: str, customers: ir.Table, history: AttributeHistory | None) -> Kind:
    if history is not None and name in history.names:
        values = history.rows.filter(history.rows.name == name).value
    else:
        values = customers[name]
    kind = values.type()
    if kind.is_boolean():
        return "flag"
    if kind.is_numeric():
        return "number"
    if not kind.is_string():
        raise InputError(
            f"ripple.toml: features.attributes: '{name}' is of type {kind}: expected text, a number or a "
            "boolean; make it one by SQL, such as the year of a date."
        )
    counts = values.as_table().aggregate(
        values=values.count(), numbers=_number(values).count(), flags=_flag(values).count()
    )
    count = counts.to_pyarrow().to_pylist()[0]
    if count["values"] and count["numbers"] == count["values"]:
        return "number"
    return "flag" if count["values"] and count["flags"] == count["values"] else "category"


def values(
    rows: ir.Table, attributes: Iterable[AttributeFeature], encodings: Mapping[str, Encoding]
) -> ir.Table:
    """`customer_id` and the features of *attributes*, whose own values are in *rows*, a row per customer.

    Args:
        encodings: those of categories, by attribute; a category without one is left out.
    """
    columns: dict[str, ir.Column] = {}
    for one in attributes:
        if one.kind != "category":
            columns[one.feature] = (_number if one.kind == "number" else _flag)(rows[one.name])
        elif one.name in encodings:
            columns[one.feature] = encodings[one.name].value(rows[one.name])
    return rows.select("customer_id", **columns)


def _number(values: ir.Column) -> ir.FloatingColumn:
    """*values* as numbers, null where they are none."""
    number = values.try_cast("float64") if values.type().is_string() else values.cast("float64")
    return ibis.ifelse(number.isnan() | number.isinf(), ibis.null("float64"), number)


def _flag(values: ir.Column) -> ir.FloatingColumn:
    """*values* as 1 for true and 0 for false, null where they are neither."""
    if values.type().is_boolean():
        return values.cast("int8").cast("float64")
    text = values.lower()
    # without a literal of 1.0, which is a decimal to Spark
    return ibis.ifelse(text.isin(FLAGS), (text == FLAGS[0]).cast("int8"), ibis.null("int8")).cast("float64")
