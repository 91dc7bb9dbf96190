"""Who had been in touch with whom, and what of it could have moved an adopter: joins that run in DuckDB."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
import pyarrow as pa

from ripple.arrays import Bools, Floats, Ints
from ripple.features.expressions import age_days, decayed, sum_or_zero
from ripple.features.tables.engine import cached
from ripple.features.tables.tables import Tables
from ripple.settings import Credit
from ripple.training.attribution.adoptions import Events

BINS = 5
"""Ages of an exposure up to a 16th, an 8th, a quarter, a half and all of the credit window."""


@dataclass(frozen=True)
class Points:
    """Moments at which a customer did or could adopt a product."""

    customer: Ints
    product: Ints
    day: Floats


@dataclass(frozen=True)
class Exposures:
    """Earlier adopters in touch with the customer of a point, ordered by point, then source."""

    point: Ints
    source: Ints
    """Customer who had adopted the product."""
    bin: Ints
    """Bin of the days since both the source had adopted and the target had joined."""
    mass: Floats
    """√ of the decayed weight of the tie: half the effect for a quarter of the contact."""

    def where(self, kept: Bools) -> Exposures:
        """Only those for which *kept* is true."""
        return Exposures(self.point[kept], self.source[kept], self.bin[kept], self.mass[kept])

    def at(self, points: Ints, size: int) -> Exposures:
        """Only those of *points*, ascending, of the *size* there are; points are numbered anew."""
        number = np.full(size, -1)
        number[points] = np.arange(points.size)
        found = self.where(number[self.point] >= 0)
        return Exposures(number[found.point], found.source, found.bin, found.mass)


def contacts(tables: Tables, events: Events, start: datetime, end: datetime) -> ir.Table:
    """Every interaction up to *end*: `source` and `target` by number, `day`, `weight` and `referral`."""
    numbers = ibis.memtable(pa.table({"id": events.ids, "number": np.arange(events.customers)}))
    rows = tables["interactions"]
    rows = rows.filter((rows.occurred_at <= end) & (rows.source_id != rows.target_id))
    weight = rows.weight.fill_null(1.0) if "weight" in rows.columns else ibis.literal(1.0)
    rows = rows.select(
        "source_id",
        "target_id",
        day=-age_days(rows.occurred_at, start),
        weight=weight,
        referral=rows.kind == "referral",
    )
    rows = rows.join(numbers.select(source_id="id", source="number"), "source_id")
    rows = rows.join(numbers.select(target_id="id", target="number"), "target_id")
    return cached(rows.select("source", "target", "day", "weight", "referral"))


def exposures(
    contacts: ir.Table, events: Events, points: Points, credit: Credit, late: bool = False
) -> Exposures:
    """Who was in touch with the customer of each point before it, and had adopted the product.

    Args:
        late: ask of those who were first in touch only after the point, which can have caused nothing.
    """
    moments = ibis.memtable(
        pd.DataFrame(
            {
                "point": np.arange(points.day.size),
                "key": points.customer * events.products + points.product,
                "moment": points.day,
                "joined": events.joined[points.customer],
            }
        )
    )
    adoptions = events.adoptions
    earlier = ibis.memtable(
        pd.DataFrame({"source": adoptions.customer, "product": adoptions.product, "adopted": adoptions.at})
    )
    ties = contacts.filter(~contacts.referral)
    pairs = ties.group_by("source", "target").aggregate(first=ties.day.min())
    found = pairs.join(earlier, "source")
    # one key, lest the engine begin with all pairs of an adoption and a point of the same product
    found = found.mutate(key=found.target * events.products + found.product).join(moments, "key")
    found = found.mutate(age=found.moment - ibis.greatest(found.adopted, found.joined))
    in_time = found.first >= found.moment if late else found.first < found.moment
    found = found.filter(
        in_time & (found.adopted < found.moment) & (found.age >= 0) & (found.age <= credit.window_days)
    )
    found = found.select("point", "source", "target", "moment", "age")
    met = found.join(ties.select("source", "target", "day", "weight"), ["source", "target"])
    distance = met.day - met.moment if late else met.moment - met.day
    met = met.filter((met.day >= met.moment) if late else (met.day < met.moment))
    tied = met.group_by("point", "source").aggregate(
        age=met.age.min(), tie=sum_or_zero(met.weight * decayed(distance, credit.half_life_days))
    )
    rows = tied.filter(tied.tie > 0).to_pyarrow()
    point, source = rows["point"].to_numpy(), rows["source"].to_numpy()
    order = np.lexsort((source, point))
    edges = credit.window_days * 2.0 ** np.arange(1 - BINS, 1)
    bins = np.searchsorted(edges, rows["age"].to_numpy()[order])
    return Exposures(point[order], source[order], bins, np.sqrt(rows["tie"].to_numpy()[order]))
