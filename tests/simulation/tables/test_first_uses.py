"""Features that spread: what the tables show of it, and what would not have come without whom."""

from datetime import timedelta

import numpy as np
import pytest

from ripple.simulation.diffusion.first_passage import BACKGROUND
from ripple.simulation.tables.assembly import simulate, simulate_with_truth
from ripple.simulation.tables.first_uses import first_use_history, influenced_first_uses
from ripple.simulation.tables.product_features import BASICS, FEATURES, release_features
from ripple.simulation.world.calendar import END
from ripple.simulation.world.worlds import WORLDS

WINDOW = END - timedelta(days=180), END


@pytest.fixture(scope="module")
def spreading():
    return simulate_with_truth("default", 1_000, 24, 7, features_spread=True)


@pytest.fixture(scope="module")
def first_uses(spreading):
    return first_use_history(spreading)


def test_only_the_usage_table_depends_on_whether_features_spread():
    alone = simulate("default", 300, 12, 7)
    spread = simulate("default", 300, 12, 7, features_spread=True)
    assert {name for name in alone if not alone[name].equals(spread[name])} == {"usage"}


def test_the_usage_table_shows_exactly_the_first_uses(spreading, first_uses):
    usage = simulate("default", 1_000, 24, 7, features_spread=True)["usage"].to_pandas()
    first = usage.groupby(["customer_id", "feature"])["occurred_at"].min()
    first = first[first.index.get_level_values("feature") >= f"f{BASICS:02d}"]
    uses = first_uses.adoptions
    expected = {
        (f"c{customer:06d}", f"f{feature:02d}"): int(day * 86_400)
        for customer, feature, day in zip(uses.customer, uses.product, uses.day, strict=True)
    }
    shown = (first - spreading.calendar.start).dt.total_seconds().astype(int)
    assert shown.to_dict() == expected
    assert usage["occurred_at"].is_monotonic_increasing


def test_nobody_uses_a_feature_before_its_release_or_when_no_customer(spreading, first_uses):
    uses, population = first_uses.adoptions, spreading.population
    assert uses.product.min() >= BASICS
    assert uses.product.max() < FEATURES
    assert (uses.day >= first_uses.products.launched[uses.product]).all()
    assert (uses.day >= population.active_from[uses.customer]).all()
    assert (uses.day < population.active_until[uses.customer]).all()


def test_experts_use_more_of_the_advanced_features(spreading, first_uses):
    advanced = first_uses.products.expertise_effect == first_uses.products.expertise_effect.max()
    assert advanced.sum() == 16
    used = np.bincount(
        first_uses.adoptions.customer[advanced[first_uses.adoptions.product]],
        minlength=spreading.population.size,
    )
    assert np.corrcoef(used, spreading.population.expertise)[0, 1] > 0.4


def test_influence_is_the_worlds_and_communities_have_tastes_even_where_there_is_none(first_uses):
    caused = first_uses.adoptions.cause != BACKGROUND
    assert 0.3 < caused.mean() < 0.7
    nobody = first_use_history(simulate_with_truth("none", 1_000, 24, 7, features_spread=True))
    assert (nobody.adoptions.cause == BACKGROUND).all()
    uses, community = nobody.adoptions, nobody.population.community
    counts = np.zeros((FEATURES, nobody.population.communities))
    np.add.at(counts, (uses.product, community[uses.customer]), 1)
    counts = counts[BASICS:]
    expected = counts.sum(1, keepdims=True) * counts.sum(0, keepdims=True) / counts.sum()
    assert ((counts - expected) ** 2 / expected).mean() > 2  # 1 where nobody has a taste


def test_the_features_are_those_of_the_catalog(spreading, first_uses):
    from ripple.simulation.diffusion.realisation import RandomStreams

    released = release_features(spreading.calendar, RandomStreams.of(spreading.seed).features).released
    assert (first_uses.products.launched == np.maximum(released, 0)).all()


def test_without_a_customer_what_they_caused_is_missing(spreading, first_uses):
    truth = influenced_first_uses(spreading, *WINDOW)
    assert (truth["adopters"] <= truth["adoptions"]).all()
    assert truth.index.is_monotonic_increasing
    assert len(truth) == spreading.calendar.window(*WINDOW).before(spreading.population.joined).sum()
    # by definition: delete the influence clocks of one customer that ring after the start, and spread again
    from ripple.simulation.diffusion.first_passage import spread_adoptions

    window, ties, clocks = spreading.calendar.window(*WINDOW), first_uses.ties, first_uses.clocks
    uses = first_uses.adoptions
    inside = set(map(tuple, np.stack((uses.customer, uses.product), 1)[window.contains(uses.day)]))
    for name in truth["adoptions"].nlargest(3).index:
        customer = int(name[1:])
        day = np.full(clocks.background.shape, np.inf)
        day[uses.product, uses.customer] = uses.day
        later = window.after_start(day[clocks.product, ties.target[clocks.tie]])
        kept = (ties.source[clocks.tie] != customer) | ~later
        without = spread_adoptions(
            clocks.where(kept),
            ties,
        )
        left = set(map(tuple, np.stack((without.customer, without.product), 1)[window.contains(without.day)]))
        assert len(inside - left) == truth.loc[name, "adoptions"]


def test_there_is_no_truth_where_features_do_not_spread(history):
    with pytest.raises(ValueError, match="features_spread"):
        influenced_first_uses(history, *WINDOW)
    assert not any(world.features_spread for world in WORLDS.values())
