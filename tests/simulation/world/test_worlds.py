from dataclasses import FrozenInstanceError
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from ripple.simulation.diffusion.first_passage import BACKGROUND
from ripple.simulation.diffusion.realisation import simulate_history
from ripple.simulation.diffusion.truth import revenue, total_influence
from ripple.simulation.tables.assembly import simulate, tables
from ripple.simulation.world.calendar import END, Calendar
from ripple.simulation.world.worlds import WORLDS, World

CUSTOMERS, MONTHS = 2_000, 24
START = END - timedelta(days=180)


@pytest.fixture(scope="module")
def histories():
    return {name: simulate_history(world, CUSTOMERS, Calendar(MONTHS), 7) for name, world in WORLDS.items()}


def test_each_world_is_a_frozen_set_of_parameters():
    assert set(WORLDS) == {"none", "weak", "default", "strong", "misspecified", "referral"}
    for world in WORLDS.values():
        assert isinstance(world, World)
        with pytest.raises(FrozenInstanceError):
            world.influence = 1.0


def test_worlds_cannot_be_changed_from_outside():
    with pytest.raises(TypeError):
        WORLDS["default"] = WORLDS["default"]


def test_the_default_world_stays_as_it_is_because_figures_of_it_are_quoted():
    """Rows and the mean number of days by which they lie before the end; no digest, for processors differ
    in the last bit of an exponential."""
    default = {name: table.to_pandas() for name, table in simulate("default", 600, 18, 7).items()}
    times = {"customers": "joined_at", "catalog": "released_at", "orders": "ordered_at"}
    sizes = {
        name: (len(table), (END - table[times.get(name, "occurred_at")]).mean() / timedelta(days=1))
        for name, table in default.items()
    }
    assert sizes == {
        "customers": (600, pytest.approx(477.640677, abs=1e-5)),
        "orders": (3337, pytest.approx(159.723780, abs=1e-5)),
        "usage": (19513, pytest.approx(235.926208, abs=1e-5)),
        "catalog": (40, pytest.approx(766.287393, abs=1e-5)),
        "interactions": (7288, pytest.approx(179.125945, abs=1e-5)),
        "feedback": (712, pytest.approx(244.445466, abs=1e-5)),
    }
    assert default["orders"].revenue.sum() == pytest.approx(464_345.35, abs=0.001)
    assert default["interactions"].weight.sum() == pytest.approx(9480.32, abs=0.001)


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("none", 0.0, 0.0),
        ("weak", 0.05, 0.2),
        ("default", 0.25, 0.45),
        ("strong", 0.45, 0.65),
        ("misspecified", 0.25, 0.45),
        ("referral", 0.03, 0.15),
    ],
)
def test_worlds_differ_in_how_many_adoptions_others_cause(histories, name, low, high):
    assert low <= (histories[name].adoptions.cause != BACKGROUND).mean() <= high


def test_the_more_influence_the_more_revenue_hangs_on_it(histories):
    share = {
        name: total_influence(history, START, END) / revenue(history, START, END)
        for name, history in histories.items()
    }
    assert 0 == share["none"] < share["weak"] < 0.1 < share["default"] < share["strong"] < 0.5
    assert share["referral"] < 0.1


def test_most_newcomers_of_the_referral_world_are_brought_in_and_nobody_where_nobody_refers(histories):
    referred_share = {
        name: history.referrals.target.size / (history.population.joined > 0).sum()
        for name, history in histories.items()
    }
    assert referred_share["referral"] > 0.8
    assert referred_share["none"] == 0
    assert all(share < 0.25 for name, share in referred_share.items() if name != "referral")


def exposed_share(history):
    """Share of the revenue of the window that is from adoptions somebody seems to have brought about.

    Time-decayed credit (Goyal, Bonchi & Lakshmanan 2011) hands all of it to those who had been in touch with
    the adopter and had adopted up to 112 days before.
    """
    dataset = {name: table.to_pandas() for name, table in tables(history).items()}
    adoptions = dataset["orders"].groupby(["customer_id", "product"], as_index=False).ordered_at.min()
    orders = dataset["orders"].query("@START < ordered_at <= @END")
    value = orders.groupby(["customer_id", "product"]).revenue.sum().clip(lower=0)
    contacts = dataset["interactions"].query("kind != 'referral'")
    fresh = adoptions[adoptions.ordered_at > START].merge(
        contacts.groupby(["source_id", "target_id"], as_index=False).occurred_at.min(),
        left_on="customer_id",
        right_on="target_id",
    )
    exposures = fresh.merge(
        adoptions,
        left_on=["source_id", "product"],
        right_on=["customer_id", "product"],
        suffixes=("", "_source"),
    )
    delay = exposures.ordered_at - exposures.ordered_at_source
    exposed = exposures[
        (delay > timedelta())
        & (delay <= timedelta(days=112))
        & (exposures.occurred_at < exposures.ordered_at)
    ]
    return value.loc[pd.MultiIndex.from_frame(exposed[["customer_id", "product"]]).unique()].sum() / (
        orders.revenue.sum()
    )


def test_who_credits_earlier_neighbours_is_badly_fooled_where_nobody_influences_anybody(histories):
    assert exposed_share(histories["none"]) > 0.33


def test_under_strong_homophily_credit_says_little_about_how_much_influence_there_is(histories):
    assert abs(exposed_share(histories["weak"]) - exposed_share(histories["none"])) < 0.06


def test_neighbours_adopt_shortly_after_each_other_although_neither_moves_the_other(histories):
    history = histories["none"]
    at = np.full((history.products.size, CUSTOMERS), np.inf)
    at[history.adoptions.product, history.adoptions.customer] = history.adoptions.day

    def followed(target):
        with np.errstate(invalid="ignore"):
            lag = at[:, target] - at[:, history.ties.source]
        return ((lag > 0) & (lag <= 60)).sum()

    strangers = np.random.default_rng(1).permutation(history.ties.target)
    assert followed(history.ties.target) > 3 * followed(strangers)


def test_usage_and_attributes_show_power_only_dimly(histories):
    for history in histories.values():
        dataset = {name: table.to_pandas() for name, table in tables(history).items()}
        usage = dataset["usage"].merge(dataset["catalog"], on="feature").query("tier == 'advanced'")
        breadth = usage.groupby("customer_id").feature.nunique().reindex(dataset["customers"].customer_id)
        power = history.population.power
        assert 0.15 < np.corrcoef(breadth.fillna(0), power)[0, 1] < 0.5
        assert abs(np.corrcoef(dataset["customers"].seats, power)[0, 1]) < 0.1
