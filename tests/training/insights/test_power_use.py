from datetime import timedelta

import pandas as pd
import pytest

from ripple.training.insights.customer_histories import listed_customers
from ripple.training.insights.power_use import DAYS, POWERS


@pytest.fixture(scope="module")
def recent(result, opened):
    """The interactions of the last year, with their powers."""
    as_of = result.population.as_of
    rows = opened[0].tables["interactions"].to_pandas()
    rows = rows[(rows["occurred_at"] > as_of - timedelta(days=DAYS)) & (rows["occurred_at"] < as_of)]
    known = rows["known_at"].isna() | (rows["known_at"] < as_of) if "known_at" in rows else True
    rows = rows[known & (rows["source_id"] != rows["target_id"])]
    return rows.assign(power=rows["kind"].map(result.settings.powers))


def test_events_and_customers_reached_are_counted_by_kind(result, recent):
    listed = listed_customers(result.population.scores).index
    own = recent[recent["source_id"].isin(listed)]
    expected = own.groupby(["source_id", "power", "kind"]).agg(
        events=("target_id", "size"), reached=("target_id", "nunique")
    )
    kinds = result.insights.power_use.kinds.set_index(["customer_id", "power", "kind"])
    pd.testing.assert_frame_equal(kinds, expected, check_names=False, check_dtype=False)
    assert kinds["events"].sum() > 50


def test_shares_and_reach_are_of_the_top_and_of_everybody(result, recent):
    scores = result.population.scores
    groups = result.insights.power_use.groups.set_index("power")
    assert tuple(groups.index) == POWERS
    for power, row in groups.iterrows():
        own = recent[(recent["power"] == power) & recent["source_id"].isin(scores.index)]
        reached = own.groupby("source_id")["target_id"].nunique()
        members = scores.index[scores["top_member"]]
        assert row["everybody"] == pytest.approx(len(reached) / len(scores))
        assert row["top"] == pytest.approx(reached.index.isin(members).sum() / len(members))
        assert row["everybody_reached"] == reached.median()
        of_top = reached[reached.index.isin(members)].median()
        assert row["top_reached"] == pytest.approx(of_top, nan_ok=True)
