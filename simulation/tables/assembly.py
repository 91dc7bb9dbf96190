"""The tables a company would have of a simulated world."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa

from ripple.simulation.diffusion.realisation import History, RandomStreams, simulate_history
from ripple.simulation.tables.customers import customers_table
from ripple.simulation.tables.feedback_scores import feedback_table
from ripple.simulation.tables.first_uses import first_use_history
from ripple.simulation.tables.interactions import interactions_table
from ripple.simulation.tables.orders import orders_table
from ripple.simulation.tables.product_features import catalog_table, release_features
from ripple.simulation.tables.repeated_events import with_repeated_events
from ripple.simulation.tables.usage import usage_table
from ripple.simulation.world.calendar import Calendar
from ripple.simulation.world.worlds import WORLDS

MIN_CUSTOMERS, MIN_MONTHS = 100, 6
"""The sizes below which a dataset is too small for anything to be learnt from it."""


def simulate(
    world: str, customers: int, months: int, seed: int, features_spread: bool = False
) -> dict[str, pa.Table]:
    """The tables of the input contract for a simulated world; the same arguments give the same tables.

    Args:
        features_spread: see `World`; only the usage table depends on it.

    Raises:
        ValueError: there is no such world, or too few customers or months for anything to be learnt.
    """
    return tables(simulate_with_truth(world, customers, months, seed, features_spread))


def simulate_with_truth(
    world: str, customers: int, months: int, seed: int, features_spread: bool = False
) -> History:
    """All that happens in a simulated world; `tables` gives what of it the company sees.

    Args:
        features_spread: as for `simulate`.

    Raises:
        ValueError: as for `simulate`.
    """
    if world not in WORLDS:
        raise ValueError(f"Unknown world '{world}'; known are {', '.join(sorted(WORLDS))}.")
    if customers < MIN_CUSTOMERS:
        raise ValueError(f"customers = {customers}: at least {MIN_CUSTOMERS} are needed.")
    if months < MIN_MONTHS:
        raise ValueError(f"months = {months}: at least {MIN_MONTHS} are needed.")
    chosen = replace(WORLDS[world], features_spread=features_spread)
    return simulate_history(chosen, customers, Calendar(months), seed)


def tables(history: History) -> dict[str, pa.Table]:
    """The tables of the input contract that *history* leaves; always the same ones."""
    population, calendar = history.population, history.calendar
    streams = RandomStreams.of(history.seed)
    features = release_features(calendar, streams.features)
    first_uses = first_use_history(history).adoptions if history.world.features_spread else None
    seen = {
        "customers": customers_table(population, calendar),
        "orders": orders_table(history.payments, history.adoptions, history.products, calendar),
        "usage": usage_table(population, features, calendar, streams.usage, first_uses),
        "catalog": catalog_table(features, calendar),
        "interactions": interactions_table(
            history.world, population, history.ties, history.referrals, calendar, streams.interactions
        ),
        "feedback": feedback_table(population, calendar, streams.feedback),
    }
    if history.played is not None:
        play, treated = history.played.play, history.played.treated
        _, _, events_rng = streams.plays.spawn(3)
        for (name, customer), factor, rng in zip(
            (("usage", "customer_id"), ("interactions", "source_id")),
            (play.use, play.voice),
            events_rng.spawn(2),
            strict=True,
        ):
            seen[name] = with_repeated_events(seen[name], customer, play, factor, treated, rng)
    return seen
