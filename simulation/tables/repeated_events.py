"""What a treated customer does more often: their events in a play are repeated."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ripple.arrays import Bools
from ripple.simulation.diffusion.realisation import Play
from ripple.simulation.world.calendar import END
from ripple.simulation.world.columns import customer_ids

REPEATED_WITHIN_SECONDS = 3_600
"""The number of seconds after an event within which it is repeated."""


def with_repeated_events(
    table: pa.Table, customer: str, play: Play, factor: float, treated: Bools, rng: np.random.Generator
) -> pa.Table:
    """*table* with *factor* times the events of the *treated* while *play* lasts, in the order of time.

    Every event is repeated a Poisson number of times with mean *factor* − 1, soon after, with the same
    customers, feature or kind; who is treated changes no draw. A referral happens only once.

    Args:
        table: events with `occurred_at`, and `known_at` if it has one.
        customer: the column of the customer whose event it is.
        play: when.
        factor: at least 1.
        treated: a mask of all customers.
        rng: where the draws come from.
    """
    repeats = rng.poisson(factor - 1, table.num_rows)
    row = np.repeat(np.arange(table.num_rows), repeats)
    later = rng.integers(1, REPEATED_WITHIN_SECONDS, row.size).astype("timedelta64[s]")
    happened = table["occurred_at"].to_numpy()
    begins = np.datetime64(play.start)
    ends = begins + np.timedelta64(round(play.days * 86_400), "s")
    last = min(ends, np.datetime64(END))
    ids = customer_ids(np.flatnonzero(treated))
    counts = pc.is_in(table[customer], ids).to_numpy(zero_copy_only=False)
    if "kind" in table.column_names:
        counts &= pc.not_equal(table["kind"], "referral").to_numpy(zero_copy_only=False)
    counts = counts[row] & (happened[row] >= begins) & (happened[row] + later < last)
    row, later = row[counts], later[counts]
    added = table.take(pa.array(row))
    for name in {"occurred_at", "known_at"} & set(table.column_names):
        moved = pa.array(added[name].to_numpy() + later).cast(table.schema.field(name).type)
        added = added.set_column(added.schema.get_field_index(name), name, moved)
    both = pa.concat_tables([table, added])
    order = np.argsort(both["occurred_at"].to_numpy(), kind="stable")
    return both.take(pa.array(order)).combine_chunks()
