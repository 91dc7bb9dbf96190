"""The spread of features: first uses with their causes, along the same ties as products.

A feature spreads by the same process and with the same parameters of the world as a product does: a
background hazard with tastes and campaigns, and influence clocks along ties. Its random stream is its own, so
that nothing else depends on whether features spread. The basics, which everybody uses from joining, do not.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import numpy as np
import pandas as pd

from ripple.arrays import Floats
from ripple.simulation.diffusion.clocks import AdoptionState, draw_clocks
from ripple.simulation.diffusion.first_passage import Adoptions, spread_adoptions
from ripple.simulation.diffusion.leave_one_out import without_each_customer
from ripple.simulation.diffusion.payments import Payments
from ripple.simulation.diffusion.realisation import History, RandomStreams
from ripple.simulation.tables.product_features import (
    ADVANCED_EXPERTISE,
    BASICS,
    CORE_EXPERTISE,
    FEATURES,
    Features,
    release_features,
)
from ripple.simulation.world.campaigns import plan_campaigns
from ripple.simulation.world.columns import customer_ids
from ripple.simulation.world.products import (
    Products,
    community_tastes,
    cumulative_hazards,
    industry_tastes,
)


def first_use_history(history: History) -> History:
    """The same customers and ties, with features in the place of products, and no payments.

    Its adoptions are the first uses of features, numbered as in the catalog. The same history always gives
    the same one.
    """
    world, population, calendar = history.world, history.population, history.calendar
    streams = RandomStreams.of(history.seed)
    products_rng, clocks_rng = streams.first_uses.spawn(2)
    features = release_features(calendar, streams.features)
    products = _as_products(features, history, products_rng)
    initial = AdoptionState.initial(products, population)
    clocks = draw_clocks(world, population, history.ties, products, calendar, initial, clocks_rng)
    nothing = np.empty(0)
    return replace(
        history,
        products=products,
        clocks=clocks,
        adoptions=spread_adoptions(clocks, history.ties),
        payments=Payments(np.empty(0, dtype=np.int64), nothing, nothing, nothing, nothing),
    )


def days_of_first_use(first_uses: Adoptions, customers: int) -> Floats:
    """The day from which a customer (row) uses a feature (column): the basics always, or infinite."""
    day = np.full((customers, FEATURES), np.inf)
    day[:, :BASICS] = -np.inf
    day[first_uses.customer, first_uses.product] = first_uses.day
    return day


def influenced_first_uses(history: History, start: datetime, end: datetime) -> pd.DataFrame:
    """What of features each customer moved others to in (start, end]: the truth, leave-one-out.

    Returns:
        One row per customer who had joined before *start*, zeros included, indexed and ordered by
        `customer_id`. `adoptions` is the number of first uses by others that without the customer's
        influence after *start* would come after the window or never, with all that follows from them;
        `adopters` the number of others with such a first use of which the customer is the immediate cause.

    Raises:
        ValueError: features do not spread in this world, or the window reaches out of the simulated months.
    """
    if not history.world.features_spread:
        raise ValueError("Nobody moves others to use a feature in a world without `features_spread`.")
    window = history.calendar.window(start, end)
    uses = first_use_history(history)
    without = without_each_customer(uses, window)
    missing = ~window.contains(without.day)
    customers = history.population.size
    direct = missing & without.direct
    pairs = without.customer[direct] * customers + uses.adoptions.customer[without.adoption[direct]]
    columns = {
        "adoptions": np.bincount(without.customer[missing], minlength=customers),
        "adopters": np.bincount(np.unique(pairs) // customers, minlength=customers),
    }
    ids = customer_ids(np.arange(customers)).to_pylist()
    table = pd.DataFrame(columns, pd.Index(ids, name="customer_id"))
    return table[window.before(history.population.joined)].sort_index()


def _as_products(features: Features, history: History, rng: np.random.Generator) -> Products:
    """The features as products that cost nothing; the hazard of the basics is zero."""
    world, calendar, communities = history.world, history.calendar, history.population.communities
    released = np.maximum(features.released, 0.0)
    hazard = cumulative_hazards(world, FEATURES, calendar, rng)
    hazard[:BASICS] = 0.0
    campaigns = plan_campaigns(world, released, communities, calendar, rng)
    spreading = campaigns.product >= BASICS
    return Products(
        launched=released,
        price=np.zeros(FEATURES),
        margin_share=np.zeros(FEATURES),
        cumulative_hazard=hazard,
        industry_taste=industry_tastes(world, FEATURES, rng),
        community_taste=community_tastes(world, FEATURES, communities, rng),
        expertise_effect=np.where(features.advanced == 1, ADVANCED_EXPERTISE, CORE_EXPERTISE),
        campaigns=replace(
            campaigns,
            product=campaigns.product[spreading],
            community=campaigns.community[spreading],
            begins=campaigns.begins[spreading],
        ),
    )
