"""Earlier adopters who had been in touch with a customer at risk: joins that run in DuckDB."""

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
from ripple.training.attribution.adoptions import AdoptionHistory

AGE_BINS = 5
"""The number of bins of an exposure's age: up to 1/16, 1/8, 1/4, 1/2 and all of the credit window."""


@dataclass(frozen=True)
class Subjects:
    """Members of case–control sets: customers with the product and day on which they did or could adopt."""

    customer: Ints
    product: Ints
    day: Floats


@dataclass(frozen=True)
class Exposures:
    """One entry per subject and earlier adopter in touch with them, ordered by subject, then source."""

    subject: Ints
    source: Ints
    """The customer who had adopted the product."""
    age_bin: Ints
    """Bin of the days since both the source had adopted and the subject had joined."""
    tie_strength: Floats
    """Root of the decayed weight of the contacts: half the effect for a quarter of the contact."""

    def where(self, mask: Bools) -> Exposures:
        """The entries for which *mask* is true."""
        return Exposures(self.subject[mask], self.source[mask], self.age_bin[mask], self.tie_strength[mask])

    def of_subjects(self, subjects: Ints, subject_count: int) -> Exposures:
        """The entries of *subjects*, ascending, of the *subject_count* there are, numbered by their rank."""
        rank = np.full(subject_count, -1)
        rank[subjects] = np.arange(subjects.size)
        selected = self.where(rank[self.subject] >= 0)
        return Exposures(rank[selected.subject], selected.source, selected.age_bin, selected.tie_strength)


def age_edges(credit: Credit) -> Floats:
    """The upper edges of the bins of an exposure's age, in days."""
    return np.asarray(credit.window_days * 2.0 ** np.arange(1 - AGE_BINS, 1), dtype=np.float64)


def read_contacts(tables: Tables, history: AdoptionHistory, start: datetime, end: datetime) -> ir.Table:
    """Every interaction up to *end*: `source` and `target` by number, `day`, `weight` and `referral`."""
    numbers = ibis.memtable(
        pa.table({"id": history.customer_ids, "number": np.arange(history.customer_count)})
    )
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


def find_exposures(
    contacts: ir.Table, history: AdoptionHistory, subjects: Subjects, credit: Credit, late_ties: bool = False
) -> Exposures:
    """Earlier adopters of each subject's product who had been in touch with the subject before.

    Args:
        late_ties: a placebo: take those first in touch on the subject's day or later, who caused nothing.
    """
    moments = ibis.memtable(
        pd.DataFrame(
            {
                "subject": np.arange(subjects.day.size),
                "key": subjects.customer * history.product_count + subjects.product,
                "moment": subjects.day,
                "joined": history.joined[subjects.customer],
            }
        )
    )
    adoptions = history.adoptions
    adopters = ibis.memtable(
        pd.DataFrame({"source": adoptions.customer, "product": adoptions.product, "adopted": adoptions.day})
    )
    contacts = contacts.filter(~contacts.referral)
    ties = contacts.group_by("source", "target").aggregate(first=contacts.day.min())
    pairs = ties.join(adopters, "source")
    # one key, lest the engine begin with all pairs of an adoption and a subject of the same product
    pairs = pairs.mutate(key=pairs.target * history.product_count + pairs.product).join(moments, "key")
    pairs = pairs.mutate(age=pairs.moment - ibis.greatest(pairs.adopted, pairs.joined))
    tied_in_time = pairs.first >= pairs.moment if late_ties else pairs.first < pairs.moment
    pairs = pairs.filter(
        tied_in_time & (pairs.adopted < pairs.moment) & (pairs.age >= 0) & (pairs.age <= credit.window_days)
    )
    pairs = pairs.select("subject", "source", "target", "moment", "age")
    met = pairs.join(contacts.select("source", "target", "day", "weight"), ["source", "target"])
    distance = met.day - met.moment if late_ties else met.moment - met.day
    met = met.filter((met.day >= met.moment) if late_ties else (met.day < met.moment))
    weighed = met.group_by("subject", "source").aggregate(
        age=met.age.min(), weight=sum_or_zero(met.weight * decayed(distance, credit.half_life_days))
    )
    rows = weighed.filter(weighed.weight > 0).to_pyarrow()
    subject, source = rows["subject"].to_numpy(), rows["source"].to_numpy()
    order = np.lexsort((source, subject))
    bins = np.searchsorted(age_edges(credit), rows["age"].to_numpy()[order])
    return Exposures(subject[order], source[order], bins, np.sqrt(rows["weight"].to_numpy()[order]))
