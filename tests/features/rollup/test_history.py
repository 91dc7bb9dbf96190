"""What is kept from run to run: the right rows, made anew where something changed and only there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import ibis
import pandas as pd
import pytest

from ripple.features import registry
from ripple.features.dataset import Dataset
from ripple.features.expressions import ratio
from ripple.features.rollup import history
from ripple.features.rollup.daily import DAILY, Daily
from tests.support.oracles.feature_frames import Frames
from tests.support.oracles.feature_runs import (
    EARLY,
    EVERYTHING,
    FRAMES,
    NEW,
    OLD,
    READ,
    ROLLED_UP,
    SETTINGS,
    TIME,
    assert_all_right,
    assert_right,
    at,
    in_month,
    opened,
)


def with_four_months_before() -> Frames:
    """Orders of eight months, from 2023-09 on."""
    before = FRAMES["orders"].copy()
    for column in ("ordered_at", "known_at"):
        before[column] -= pd.Timedelta(days=121)
    return FRAMES | {"orders": pd.concat([before, FRAMES["orders"]], ignore_index=True)}


@pytest.mark.parametrize("rows", [150, 10_000])
@pytest.mark.parametrize(
    ("table", "together", "recent"),
    [
        # the quarter of the month before the last, and the last: of events, and of what became known
        ("first_purchases", {"2023-09", "2023-11"}, {"2024-01", "2024-02", "2024-03", "2024-04"}),
        ("order_days", {"2023-09", "2023-11", "2024-01", "2024-03"}, {"2024-04", "2024-05"}),
    ],
)
def test_small_months_are_rolled_up_together_but_for_recent_ones(
    start, empty, monkeypatch, rows, table, together, recent
):
    monkeypatch.setattr(history, "MIN_ROWS_PER_PART", rows)
    frames = with_four_months_before()
    run = start(empty, frames, OLD)
    parts = {place.rpartition("/")[2] for place in run.wrote if place.startswith(f"days/{table}/")}
    assert parts == (together if rows == 150 else {"2023-09"}) | recent
    assert_all_right(run, frames, OLD)


def test_a_late_row_redoes_its_month_alone_where_small_months_are_together(start, empty, monkeypatch):
    monkeypatch.setattr(history, "MIN_ROWS_PER_PART", 10_000)
    frames = with_four_months_before()
    start(empty, frames, OLD)
    late = {"ordered_at": datetime(2024, 3, 30), "known_at": datetime(2024, 4, 2), "product": "late"}
    changed = frames | {"orders": pd.concat([frames["orders"], frames["orders"].iloc[[-1]].assign(**late)])}
    run = start(empty, changed, OLD)
    assert run.wrote == in_month("2024-03", ROLLED_UP["orders"], "2024-04", known="2024-04")


def test_a_second_run_writes_nothing_even_where_rows_come_in_another_order(start, cache):
    turned = {name: frame[::-1] for name, frame in FRAMES.items()}
    run = start(cache, turned, EARLY, OLD, NEW)
    assert run.wrote == set()
    assert_all_right(run, FRAMES, EARLY, OLD, NEW)


def test_another_cutoff_adds_its_own_results(start, cache):
    assert start(cache, FRAMES, datetime(2024, 2, 1), NEW).wrote == at(datetime(2024, 2, 1), EVERYTHING)


def test_a_day_later_only_the_last_month_and_of_firsts_that_of_late_rows_is_rolled_up_again(start, empty):
    def until(moment: datetime) -> Frames:
        return {
            name: frame[frame[[TIME[name], "known_at"]].max(axis=1) < moment] if name in TIME else frame
            for name, frame in FRAMES.items()
        }

    day, next_day = datetime(2024, 4, 18), datetime(2024, 4, 19)
    start(empty, until(day), OLD)
    run = start(empty, until(next_day), OLD, next_day)
    last_month = in_month("2024-04", set().union(*ROLLED_UP.values()))
    late_usage = in_month("2024-03", {"active_days", "first_uses"})
    assert run.wrote == at(next_day, EVERYTHING) | last_month | late_usage
    assert_all_right(run, FRAMES, OLD, next_day)


@pytest.mark.parametrize(
    ("table", "changes"),
    [
        ("orders", {"revenue": 999.0}),
        ("usage", {"feature": "f6", "user_id": "u9"}),
        ("interactions", {"kind": "mention", "weight": 2.5}),
        ("feedback", {"score": 0.99}),
    ],
)
def test_a_changed_row_redoes_its_month_and_what_later_cutoffs_made_of_it(start, cache, table, changes):
    frame = FRAMES[table].copy()
    in_february = frame[TIME[table]].between(datetime(2024, 2, 1), datetime(2024, 2, 28))
    row = frame.index[in_february & frame.known_at.isna()][0]
    frame.loc[row, list(changes)] = list(changes.values())
    changed = FRAMES | {table: frame}
    run = start(cache, changed, EARLY, OLD, NEW)
    in_months = in_month("2024-02", ROLLED_UP[table], "2024-03", "2024-04")
    assert run.wrote == at(OLD, READ[table]) | at(NEW, READ[table]) | in_months
    assert_all_right(run, changed, EARLY, OLD, NEW)


def test_a_row_that_becomes_known_late_leaves_the_cutoffs_before_as_they_are(start, cache):
    late = {"ordered_at": datetime(2024, 1, 22), "known_at": datetime(2024, 4, 1, 9), "product": "late"}
    changed = FRAMES | {"orders": pd.concat([FRAMES["orders"], FRAMES["orders"].iloc[[0]].assign(**late)])}
    run = start(cache, changed, OLD, NEW)
    in_months = in_month("2024-01", ROLLED_UP["orders"], "2024-02", "2024-03", "2024-04", known="2024-04")
    assert run.wrote == at(NEW, READ["orders"]) | in_months
    assert_all_right(run, changed, OLD, NEW)


def test_two_rows_that_trade_values_and_one_of_two_equal_rows_are_noticed(start, cache):
    traded = FRAMES["orders"].copy()
    first, second = traded.index[traded.ordered_at.dt.floor("D") == traded.ordered_at.dt.floor("D")[0]][:2]
    assert traded.customer_id[first] != traded.customer_id[second]
    traded.loc[[first, second], "revenue"] = traded.revenue[[second, first]].to_list()
    for orders in (traded, pd.concat([traded, traded.loc[[first]]])):
        changed = FRAMES | {"orders": orders}
        assert_all_right(start(cache, changed, NEW), changed, NEW)


def test_a_column_that_goes_redoes_its_table(start, cache):
    without = FRAMES | {"orders": FRAMES["orders"].drop(columns="margin")}
    run = start(cache, without, OLD)
    assert {place.split("/")[1] for place in run.wrote if place.startswith("days")} == ROLLED_UP["orders"]
    assert_all_right(run, without, OLD)


def test_a_changed_catalogue_redoes_only_what_reads_it(start, cache):
    changed = FRAMES | {"catalog": FRAMES["catalog"].assign(tier=["advanced"] + ["core"] * 7)}
    run = start(cache, changed, OLD, NEW)
    assert run.wrote == {"days/releases/all"} | at(OLD, READ["catalog"]) | at(NEW, READ["catalog"])
    assert_all_right(run, changed, OLD, NEW)


def test_attributes_of_customers_redo_nothing(start, cache):
    moved = FRAMES | {"customers": FRAMES["customers"].assign(seats=1, region="north")}
    assert start(cache, moved, OLD, NEW).wrote == set()


def test_other_settings_of_the_graph_redo_the_graph_alone_and_are_kept_beside_the_former(start, cache):
    slow = SETTINGS.features.model_copy(update={"half_life_days": 45.0})
    for update in ({"features": slow}, {"kinds": {"gossip": "referent"}}):
        other = SETTINGS.model_copy(update=update)
        run = start(cache, FRAMES, OLD, NEW, settings=other)
        assert run.wrote == at(OLD, {"graph"}) | at(NEW, {"graph"})
        assert_all_right(run, FRAMES, OLD, NEW, settings=other)
    assert start(cache, FRAMES, OLD, NEW).wrote == set()


@pytest.fixture
def redefine(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[..., ibis.Value]], None]:
    """From then on, the feature of the function's name is computed by it."""

    def redefine(build: Callable[..., ibis.Value]) -> None:
        definitions = [
            replace(each, build=build) if each.build.__name__ == build.__name__ else each
            for each in registry.DEFINITIONS
        ]
        assert definitions != registry.DEFINITIONS
        monkeypatch.setattr(registry, "DEFINITIONS", definitions)

    return redefine


def test_another_definition_of_a_feature_redoes_the_features_of_its_view(start, cache, redefine):
    def feedback_mean(feedback: ibis.Table, as_of: datetime) -> ibis.Value:
        return -ratio(feedback.total.sum(), feedback.given.sum())

    redefine(feedback_mean)
    run = start(cache, FRAMES, OLD, NEW)
    assert run.wrote == at(OLD, {"feedback"}) | at(NEW, {"feedback"})
    for matrix, as_of in zip(run.matrices, (OLD, NEW), strict=True):
        assert_right(matrix.assign(feedback_mean=-matrix.feedback_mean), FRAMES, as_of)


def test_another_definition_of_a_feature_of_the_graph_leaves_the_graph_itself(start, cache, redefine):
    def core_number(contacts: ibis.Table, as_of: datetime) -> ibis.Value:
        return contacts.core + 1

    redefine(core_number)
    run = start(cache, FRAMES, NEW)
    assert run.wrote == set()
    assert_right(run.matrices[0].assign(core_number=run.matrices[0].core_number - 1), FRAMES, NEW)


def test_features_of_one_view_either_add_up_its_rows_or_take_them_as_they_are(start, cache, redefine):
    def core_number(contacts: ibis.Table, as_of: datetime) -> ibis.Value:
        return contacts.core.max()

    redefine(core_number)
    with pytest.raises(RuntimeError, match=r"contacts: .*'in_degree'.* but \['core_number'\] add them up"):
        start(cache, FRAMES, NEW)


def test_another_definition_of_a_daily_table_redoes_all_that_follows_from_it(start, cache, monkeypatch):
    def order_days(orders: ibis.Table) -> ibis.Table:
        return original(orders.filter(orders.revenue < 100))

    original = DAILY["order_days"].build
    monkeypatch.setitem(DAILY, "order_days", Daily(order_days))
    orders = FRAMES["orders"]
    assert_all_right(start(cache, FRAMES, NEW), FRAMES | {"orders": orders[orders.revenue < 100]}, NEW)


@pytest.fixture(scope="module")
def unchanged(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return opened(FRAMES, tmp_path_factory.mktemp("unchanged"))


@pytest.mark.parametrize("name", ["seats", "day", "known", "at_once", "released", 'it\'s "odd"'])
def test_every_attribute_counts_where_attributes_count_whatever_its_name(tmp_path, name):
    few, more = (
        opened(FRAMES | {"customers": FRAMES["customers"].assign(**{name: seats})}, tmp_path / str(seats))
        for seats in (1, 2)
    )
    for names in (("customers", *TIME), ("customers", "attributes")):
        same = few.history.digest(OLD, *names) == more.history.digest(OLD, *names)
        assert same == ("attributes" not in names)


@pytest.mark.parametrize(
    ("occurred", "known", "noticed", "noticed_at_the_moment"),
    [
        (OLD - timedelta(seconds=1), None, True, True),
        (OLD, None, False, True),
        (OLD - timedelta(days=9), OLD, False, True),
        (OLD - timedelta(days=9), OLD + timedelta(hours=1), False, False),
        (OLD + timedelta(hours=1), OLD - timedelta(days=1), False, False),
    ],
)
def test_a_digest_counts_the_rows_known_before_a_moment_or_at_it(
    unchanged, tmp_path, occurred, known, noticed, noticed_at_the_moment
):
    row = FRAMES["feedback"].iloc[[0]].assign(occurred_at=occurred, known_at=known)
    more = FRAMES | {"feedback": pd.concat([FRAMES["feedback"], row.astype(FRAMES["feedback"].dtypes)])}
    histories = unchanged.history, opened(more, tmp_path / "data").history
    for inclusive, expected in ((False, noticed), (True, noticed_at_the_moment)):
        digests = [history.digest(OLD, "feedback", inclusive=inclusive) for history in histories]
        assert (digests[0] != digests[1]) == expected
