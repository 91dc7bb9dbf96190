"""Daily tables of contacts and purchases by hand, for the tests of the graph."""

from __future__ import annotations

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from ripple.features.graph.ties import UNIT, Ties
from ripple.settings import Power

POWER_OF_KIND: dict[str, Power] = {"follow": "referent", "answer": "expert"}
LAST_DAY = 99
"""The day before the cutoff, in days since 1970."""
CONTACT_DAYS = [
    # source, target, kind, day, known, weight
    (0, 1, "follow", 80, 80, 1.0),
    (0, 1, "answer", 90, 90, 2.0),
    (0, 3, "follow", 0, 0, 1.0),
    (1, 0, "answer", 100, 100, 1.0),
    (1, 0, "gossip", 90, 95, 4.0),
    (1, 2, "answer", 90, 90, 1.0),
    (2, 0, "follow", 80, 120, 8.0),
]
"""The last row is known only after the cutoff."""


def contact_days(rows: Sequence[tuple[int, int, str, int, int, float]]) -> ir.Table:
    """The daily table of contacts with these rows."""
    columns = ["customer", "target", "kind", "day", "known", "weight"]
    return ibis.memtable(pd.DataFrame(rows, columns=columns))


def ties_of(edges: Sequence[tuple[int, int, float]], size: int) -> Ties:
    """Ties from edges of source, target and weight, in order, whose first contact was on day 0."""
    source, target, weight = (np.array(column) for column in zip(*edges, strict=True))
    pairs = set(zip(source.tolist(), target.tolist(), strict=True))
    mutual = np.array([(t, s) in pairs for s, t in zip(source.tolist(), target.tolist(), strict=True)])
    return Ties(size, source, target, np.rint(weight * UNIT), np.zeros(source.size, int), mutual, {})
