"""One small world, unfolded once for all tests of the simulation, and a maker of tiny ones by hand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from ripple.simulation.diffusion.clocks import Clocks
from ripple.simulation.diffusion.first_passage import spread_adoptions
from ripple.simulation.diffusion.payments import Payments
from ripple.simulation.diffusion.realisation import History, simulate_history
from ripple.simulation.tables.assembly import simulate
from ripple.simulation.world.calendar import Calendar
from ripple.simulation.world.campaigns import Campaigns
from ripple.simulation.world.population import Population
from ripple.simulation.world.products import Products
from ripple.simulation.world.referrals import Referrals
from ripple.simulation.world.ties import Ties
from ripple.simulation.world.worlds import WORLDS, World

CUSTOMERS = 3_000
MONTHS = 24
YEAR = Calendar(12)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(11)


@pytest.fixture(scope="session")
def calendar() -> Calendar:
    return Calendar(MONTHS)


@pytest.fixture(scope="session")
def history(calendar: Calendar) -> History:
    return simulate_history(WORLDS["default"], CUSTOMERS, calendar, 7)


@pytest.fixture(scope="session")
def tables() -> dict[str, pa.Table]:
    return simulate("default", CUSTOMERS, MONTHS, 7)


@pytest.fixture(scope="session")
def day() -> Callable[[float], datetime]:
    """The moment of a day number in the year of `by_hand`."""
    return lambda number: YEAR.start + timedelta(days=number)


@pytest.fixture(scope="session")
def by_hand() -> Callable[..., History]:
    """A year with one product that costs 100, whose adopters pay once, on days and along ties that are given.

    `background` has each customer's own clock. A tie is (source, target, delay of its influence clock), and
    optionally the days it opens and closes; a delay of None is a tie that passes nothing on.
    """

    def build(
        own: list[float],
        ties: list[tuple],
        world: World = WORLDS["default"],
        active_until: float = YEAR.days,
        daily_hazard: float = 0.0,
    ) -> History:
        size = len(own)
        ordered = sorted(((*tie, *(0.0, np.inf)[len(tie) - 3 :]) for tie in ties), key=lambda tie: tie[1])
        source, target, delay, opens, closes = (
            np.array(column, dtype=kind)
            for column, kind in zip(
                zip(*ordered, strict=True) if ordered else [()] * 5,
                (np.int64, np.int64, np.float64, np.float64, np.float64),
                strict=True,
            )
        )
        passes = np.flatnonzero(~np.isnan(delay))
        network = Ties(source, target, np.ones(len(ties)), opens, closes, np.ones(len(ties), dtype=bool))
        clocks = Clocks(
            np.array([own], dtype=float),
            np.zeros_like(passes),
            passes,
            delay[passes],
            opens[passes],
            closes[passes],
        )
        adoptions = spread_adoptions(clocks, network)
        free = np.zeros(adoptions.size)
        return History(
            world,
            YEAR,
            0,
            _alike(size, active_until),
            network,
            Referrals(np.array([], dtype=int), np.array([], dtype=int)),
            _product(daily_hazard),
            clocks,
            adoptions,
            Payments(np.arange(adoptions.size), free, free, free + 100.0, free),
        )

    return build


def _alike(size: int, active_until: float) -> Population:
    none, zero, one = np.zeros(size, dtype=np.int64), np.zeros(size), np.ones(size)
    return Population(
        community=none,
        second_community=none - 1,
        industry=none,
        country=none,
        plan=none,
        seats=none + 1,
        budget=one,
        expertise=zero,
        voice=zero,
        power=zero,
        susceptibility=one,
        satisfaction=zero,
        joined=zero - 1.0,
        left=zero + active_until,
        active_from=zero,
        active_until=zero + active_until,
    )


def _product(daily_hazard: float) -> Products:
    nothing = np.array([], dtype=np.int64)
    return Products(
        launched=np.zeros(1),
        price=np.full(1, 100.0),
        margin_share=np.full(1, 0.5),
        cumulative_hazard=daily_hazard * np.arange(YEAR.days + 1.0)[None],
        industry_taste=np.zeros((1, 1)),
        community_taste=np.zeros((1, 1)),
        expertise_effect=np.zeros(1),
        campaigns=Campaigns(nothing, nothing, np.zeros(0), 0.0),
    )
