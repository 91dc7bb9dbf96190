"""What is kept from run to run: the right rows, made anew where something changed and only there.

Datasets are rolled up month by month here, as large ones are. The files that a run writes tell what it did.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ripple.features import registry
from ripple.features.dataset import Dataset
from ripple.features.expressions import ratio
from ripple.features.rollup import history, parquet_cache
from ripple.features.rollup.daily import DAILY, Daily
from ripple.features.validation import checks
from ripple.settings import Settings
from tests.support import feature_frames, feature_oracle
from tests.support.checkout import ROOT
from tests.support.feature_frames import Frames, features_at, kept, written

EARLY, OLD, NEW = datetime(2024, 1, 20), datetime(2024, 3, 1), datetime(2024, 4, 21)
FRAMES = feature_frames.random()
# what is kept does not depend on how many windows there are, but what a run costs does
SETTINGS = feature_frames.SETTINGS.model_copy(
    update={"features": feature_frames.SETTINGS.features.model_copy(update={"windows_days": (30,)})}
)
TIME = {
    "orders": "ordered_at",
    "usage": "occurred_at",
    "interactions": "occurred_at",
    "feedback": "occurred_at",
}
CUSTOMER = ("customer_id", "source_id", "target_id")
ROLLED_UP = {
    "orders": {"order_days", "first_purchases"},
    "usage": {"feature_days", "active_days", "user_days", "first_uses"},
    "interactions": {"contact_days", "referrals"},
    "feedback": {"feedback_days"},
}
"""Daily tables by the table that they come from."""
LOOK_BACK = {"first_purchases", "first_uses"}
"""Those whose months follow from the months before too."""
BY_DAY = LOOK_BACK | {"active_days"}
"""Those whose months are those of the events, and not those in which they became known."""
READ = {
    "orders": {"orders", "purchases", "invited", "graph"},
    "usage": {"usage", "users", "feature_use", "first_use", "invited", "graph"},
    "interactions": {"referred", "invited", "graph"},
    "feedback": {"feedback"},
    "catalog": {"feature_use", "first_use"},
    "customers": {"customers", "first_use", "referred", "invited", "graph"},
}
"""What is kept of a cutoff, by the table that it follows from."""
EVERYTHING = set().union(*READ.values())


@dataclass(frozen=True)
class Run:
    """The matrices of a run, and in which folders of the cache it wrote."""

    matrices: list[pd.DataFrame]
    wrote: set[str]


Start = Callable[..., Run]


@pytest.fixture(autouse=True, scope="module")
def _months_are_parts():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(history, "ROWS_PER_PART", 1)
        yield


def opened(frames: Frames, folder: Path, cache: Path | None = None, settings: Settings = SETTINGS) -> Dataset:
    return replace(checks.check(feature_frames.write(frames, folder), settings)[0], cache=cache)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a run on `FRAMES` at three cutoffs leaves in the cache."""
    folder = tmp_path_factory.mktemp("filled")
    dataset = opened(FRAMES, folder / "data", folder / "cache")
    for as_of in (EARLY, OLD, NEW):
        assert_right(features_at(dataset, as_of), FRAMES, as_of)
    return folder / "cache"


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    """A cache in which no run has left anything."""
    return tmp_path / "cache"


@pytest.fixture
def cache(empty: Path, filled: Path) -> Path:
    """A cache of one's own, as left by the run on `FRAMES`."""
    return shutil.copytree(filled, empty)


@pytest.fixture
def start(tmp_path: Path) -> Start:
    """Runs on frames with what earlier runs have left in a cache; every matrix has to be right."""

    def start(cache: Path, frames: Frames, *cutoffs: datetime, settings: Settings = SETTINGS) -> Run:
        before, dataset = kept(cache), opened(frames, tmp_path / "data", cache, settings)
        return Run([features_at(dataset, as_of) for as_of in cutoffs], written(before, kept(cache)))

    return start


def assert_right(found: pd.DataFrame, frames: Frames, as_of: datetime, settings: Settings = SETTINGS) -> None:
    chosen = settings.features
    feature_oracle.assert_equal(
        found,
        feature_oracle.features(frames, as_of, chosen.windows_days, chosen.half_life_days, settings.powers),
    )


def assert_all_right(run: Run, frames: Frames, *cutoffs: datetime, settings: Settings = SETTINGS) -> None:
    for matrix, as_of in zip(run.matrices, cutoffs, strict=True):
        assert_right(matrix, frames, as_of, settings)


def at(as_of: datetime, views: set[str]) -> set[str]:
    return {f"cutoffs/{as_of:%Y-%m-%dT%H%M%S}/{view}" for view in views}


def in_month(month: str, names: set[str], *later: str, known: str | None = None) -> set[str]:
    """Places of daily tables of a month and, if they look back, of *later* ones.

    Those by the month in which rows became known are in *known*, if that is another one.
    """
    return (
        {f"days/{name}/{month}" for name in names & BY_DAY}
        | {f"days/{name}/{known or month}" for name in names - BY_DAY}
        | {f"days/{name}/{each}" for name in names & LOOK_BACK for each in later}
    )


# Daily tables


def days(times: pd.Series) -> pd.Series:
    return (times.dt.floor("D") - pd.Timestamp(0)).dt.days


def rolled_up(frames: Frames) -> Frames:
    """Daily tables that hold what happened, as pandas rolls it up."""
    dated = {}
    for name, frame in frames.items():
        day = days(frame[feature_oracle.EVENT_TIME[name]])
        known = days(frame.known_at).fillna(day) if "known_at" in frame else day
        dated[name] = frame.assign(day=day, known=np.maximum(day, known))
    orders, catalog, interactions = dated["orders"], dated["catalog"], dated["interactions"]
    margin_revenue = orders.revenue.where(orders.margin.notna())
    is_referral = interactions.kind == "referral"
    when, tie = ["day", "known"], ["source_id", "target_id"]

    def by(frame: pd.DataFrame, *keys: str) -> pd.api.typing.DataFrameGroupBy:
        return frame.groupby([*keys, *when], as_index=False)

    return {
        "members": dated["customers"][["customer_id", *when]],
        "releases": catalog.assign(advanced=catalog.tier == "advanced", released=catalog.day)[
            ["feature", *when, "advanced", "released"]
        ].fillna({"known": -(2**31)}),
        "feature_days": by(dated["usage"].assign(events=1), "customer_id", "feature").events.sum(),
        "user_days": dated["usage"][["customer_id", "user_id", *when]].dropna().drop_duplicates(),
        "order_days": by(
            orders.assign(orders=orders.revenue > 0, margin_revenue=margin_revenue), "customer_id", "product"
        )[["orders", "revenue", "margin", "margin_revenue"]].sum(min_count=1),
        "contact_days": by(interactions[~is_referral].fillna({"weight": 1.0}), *tie, "kind").weight.sum(),
        "referrals": interactions[is_referral][[*tie, *when]],
        "feedback_days": by(dated["feedback"].assign(given=1), "customer_id").agg(
            given=("given", "sum"), total=("score", "sum"), worst=("score", "min")
        ),
    }


def named(dataset: Dataset, table: ibis.Table) -> pd.DataFrame:
    """Rows of a daily table, customers by their ids."""
    members, frame = dataset.history.daily["members"].to_pandas(), table.to_pandas()
    ids = members.set_index("customer").customer_id
    if "target" in frame:
        return frame.assign(source_id=frame.customer.map(ids), target_id=frame.target.map(ids))
    return frame.assign(customer_id=frame.customer.map(ids)) if "customer" in frame else frame


def assert_same_rows(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    def sorted_rows(frame: pd.DataFrame) -> pd.DataFrame:
        frame = frame[list(expected.columns)].copy()
        for name in frame:
            if not frame[name].map(lambda value: isinstance(value, str)).any():
                frame[name] = frame[name].astype("float64").round(6)
        return frame.sort_values(list(frame.columns)).reset_index(drop=True)

    pd.testing.assert_frame_equal(sorted_rows(found), sorted_rows(expected), check_dtype=False)


@pytest.fixture(scope="module", params=["in memory", "in a folder"])
def whole(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    folder = tmp_path_factory.mktemp("whole")
    return opened(FRAMES, folder / "data", folder / "cache" if request.param == "in a folder" else None)


@pytest.mark.parametrize("name", rolled_up(FRAMES))
def test_a_daily_table_holds_what_pandas_rolls_up(whole, name):
    assert_same_rows(named(whole, whole.history.daily[name]), rolled_up(FRAMES)[name])


@pytest.mark.parametrize("as_of", [EARLY, OLD, NEW], ids=str)
def test_a_cutoff_sees_what_pandas_rolls_up_of_the_rows_known_before(whole, as_of):
    past = whole.history.before(as_of)
    seen = {name: FRAMES[name] for name in TIME}
    seen = {name: rows[(rows[TIME[name]] < as_of) & ~(rows.known_at >= as_of)] for name, rows in seen.items()}
    expected = rolled_up(FRAMES | seen)
    for name in ("feature_days", "user_days", "order_days", "contact_days", "referrals", "feedback_days"):
        found = named(whole, past[name])
        assert_same_rows(found, expected[name])
        assert (found.age == days(pd.Series([as_of]))[0] - found.day).all()
    day, found = ["customer_id", "day"], named(whole, past["active_days"])
    used = expected["feature_days"].groupby(day, as_index=False).events.sum()
    assert_same_rows(found.groupby(day, as_index=False).events.sum(), used)
    assert_same_rows(found[found.fresh][day], used[day])
    for name, of, what in (
        ("first_uses", "feature_days", "feature"),
        ("first_purchases", "order_days", "product"),
    ):
        pair = ["customer_id", what]
        first = expected[of].groupby(pair, as_index=False).day.min()
        assert_same_rows(named(whole, past[name]), first)


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
    monkeypatch.setattr(history, "ROWS_PER_PART", rows)
    frames = with_four_months_before()
    run = start(empty, frames, OLD)
    parts = {place.rpartition("/")[2] for place in run.wrote if place.startswith(f"days/{table}/")}
    assert parts == (together if rows == 150 else {"2023-09"}) | recent
    assert_all_right(run, frames, OLD)


def test_a_late_row_redoes_its_month_alone_where_small_months_are_together(start, empty, monkeypatch):
    monkeypatch.setattr(history, "ROWS_PER_PART", 10_000)
    frames = with_four_months_before()
    start(empty, frames, OLD)
    late = {"ordered_at": datetime(2024, 3, 30), "known_at": datetime(2024, 4, 2), "product": "late"}
    told = frames | {"orders": pd.concat([frames["orders"], frames["orders"].iloc[[-1]].assign(**late)])}
    run = start(empty, told, OLD)
    assert run.wrote == in_month("2024-03", ROLLED_UP["orders"], "2024-04", known="2024-04")


# What is done again


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
    told = FRAMES | {"orders": pd.concat([FRAMES["orders"], FRAMES["orders"].iloc[[0]].assign(**late)])}
    run = start(cache, told, OLD, NEW)
    in_months = in_month("2024-01", ROLLED_UP["orders"], "2024-02", "2024-03", "2024-04", known="2024-04")
    assert run.wrote == at(NEW, READ["orders"]) | in_months
    assert_all_right(run, told, OLD, NEW)


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
            for each in registry._DEFINITIONS
        ]
        assert definitions != registry._DEFINITIONS
        monkeypatch.setattr(registry, "_DEFINITIONS", definitions)

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
        found = [history.digest(OLD, "feedback", inclusive=inclusive) for history in histories]
        assert (found[0] != found[1]) == expected


def test_the_results_used_last_are_kept_of_each_name(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet_cache, "RESULTS", 2)
    folder = parquet_cache.Folder(tmp_path, ibis.duckdb.connect())
    for key in ("a", "b", "a", "c"):
        table = folder.keep("cutoffs/2024-03-01/orders", key, lambda key=key: pa.table({"made_of": [key]}))
        assert table.to_pyarrow().to_pydict() == {"made_of": [key]}
    assert set(kept(tmp_path)) == {f"cutoffs/2024-03-01/orders/{key}.parquet" for key in ("a", "c")}


# Numbers of customers


def numbers(cache: Path) -> dict[str, int]:
    (file,) = cache.glob("numbers-*.parquet")
    rows = pq.read_table(file)
    return dict(zip(rows["customer_id"].to_pylist(), rows["number"].to_pylist(), strict=True))


def with_newcomer(frames: Frames, customer: str, joined: datetime) -> Frames:
    newcomer = frames["customers"].iloc[[0]].assign(customer_id=customer, joined_at=joined)
    return frames | {"customers": pd.concat([frames["customers"], newcomer], ignore_index=True)}


def test_a_newcomer_gets_a_number_and_only_later_cutoffs_are_redone(start, cache):
    before = numbers(cache)
    more = with_newcomer(FRAMES, "a first one in order of ids", datetime(2024, 4, 1))
    run = start(cache, more, OLD, NEW)
    assert numbers(cache) == before | {"a first one in order of ids": len(before)}
    assert run.wrote == {"numbers", "days/members/all"} | at(NEW, READ["customers"])
    assert_all_right(run, more, OLD, NEW)


def test_whoever_leaves_and_comes_back_keeps_the_number(start, cache):
    before = numbers(cache)
    left = {
        name: frame[~frame[[column for column in CUSTOMER if column in frame]].isin(["c03"]).any(axis=1)]
        for name, frame in FRAMES.items()
    }
    others = with_newcomer(left, "c99", datetime(2024, 1, 1))
    assert_all_right(start(cache, others, NEW), others, NEW)
    assert_all_right(start(cache, FRAMES, NEW), FRAMES, NEW)
    assert numbers(cache) == before | {"c99": len(before)}


def test_without_the_numbers_everything_starts_anew(start, cache):
    more = with_newcomer(FRAMES, "a first one in order of ids", datetime(2024, 2, 1))
    start(cache, more, OLD)
    (file,) = cache.glob("numbers-*.parquet")
    file.unlink()
    before = kept(cache)
    run = start(cache, more, OLD)
    assert numbers(cache)["a first one in order of ids"] == 0
    assert not set(before.items()) & set(kept(cache).items())
    assert_all_right(run, more, OLD)


# Runs that are stopped


@pytest.mark.parametrize("place", ["numbers", "days/order_days/2024-02", "cutoffs/2024-03-01T000000/graph"])
def test_after_an_interrupted_run_no_file_is_partial_and_the_next_goes_on(start, empty, monkeypatch, place):
    replaces = Path.replace

    def interrupted(self: Path, target: Path) -> Path:
        if str(target.relative_to(empty)).startswith(place):
            raise KeyboardInterrupt
        return replaces(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", interrupted)
        with pytest.raises(KeyboardInterrupt):
            start(empty, FRAMES, OLD)
    assert {Path(path).suffix for path in kept(empty)} <= {".parquet"}
    assert_goes_on(start, empty)


KILLED = """
import os, signal, sys
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from ripple.features.validation import checks
from ripple.features.rollup import history
from tests.support.feature_frames import SETTINGS, features_at

data, cache, place = map(Path, sys.argv[1:])
replaces = Path.replace

def killed(self, target):
    if cache / place in target.parents:
        os.kill(os.getpid(), signal.SIGKILL)
    return replaces(self, target)

Path.replace = killed
history.ROWS_PER_PART = 1
dataset = replace(checks.check(data, SETTINGS)[0], cache=cache)
features_at(dataset, datetime(2024, 3, 1))
"""


def test_after_a_killed_run_the_next_one_clears_up_and_goes_on(start, empty, tmp_path):
    data = feature_frames.write(FRAMES, tmp_path / "killed")
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, data, empty, "days/order_days/2024-03"],
        cwd=ROOT,
        check=False,
        timeout=120,
    )
    assert killed.returncode == -signal.SIGKILL
    assert_goes_on(start, empty)


def assert_goes_on(start: Start, cache: Path) -> None:
    """The next run keeps all whole files, adds those that are missing, and leaves nothing else."""
    whole = {path: inode for path, inode in kept(cache).items() if path.endswith(".parquet")}
    run = start(cache, FRAMES, OLD)
    assert_all_right(run, FRAMES, OLD)
    after = kept(cache)
    assert whole.items() <= after.items()
    assert {Path(path).suffix for path in after} == {".parquet"}


LOCKING = """
import sys
from pathlib import Path
from ripple.locks import lock

print(lock(Path(sys.argv[1])), flush=True)
sys.stdin.read()
"""


def test_a_folder_belongs_to_one_process_until_it_ends(tmp_path):
    folder = tmp_path / "not there yet"
    with subprocess.Popen(
        [sys.executable, "-c", LOCKING, folder],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout.readline() == "True\n"
        assert parquet_cache.lock(folder) is False
        os.kill(other.pid, signal.SIGKILL)
    assert parquet_cache.lock(folder) is True
    assert parquet_cache.lock(folder) is True


# Odd data


NAMES = ["'", '"', "`", "🎉", "   ", "a'b\"c`d", "\\", "%s {x}", "NULL", ";--", "\t", "ß", "'; DROP TABLE x"]


def odd_names() -> Frames:
    """Features, products, people, kinds and customers whose names are hard to write down."""

    def odd(name: object) -> object:
        digits = "".join(filter(str.isdigit, str(name)))
        return NAMES[int(digits) % len(NAMES)] if digits else name

    def odd_id(name: str) -> str:
        return f"{odd(name)}{name}"

    renaming = dict.fromkeys(CUSTOMER, odd_id) | dict.fromkeys(("feature", "product", "user_id"), odd)
    frames = {
        name: frame.assign(
            **{column: frame[column].map(new) for column, new in renaming.items() if column in frame}
        )
        for name, frame in FRAMES.items()
    }
    kinds = {"gossip": "🎉", "share": 'it\'s "odd"', "webinar": "   "}
    frames["interactions"]["kind"] = frames["interactions"]["kind"].replace(kinds)
    return frames


def half_by_one() -> Frames:
    """One customer has half of all events."""
    own = {name: FRAMES[name].assign(customer_id="c10") for name in ("orders", "usage", "feedback")}
    ties = FRAMES["interactions"]
    ties = ties[(ties.kind != "referral") & (ties.target_id != "c10")]
    own["interactions"] = ties.assign(source_id="c10")
    return FRAMES | {name: pd.concat([FRAMES[name], frame]) for name, frame in own.items()}


def many_products() -> Frames:
    """20,000 orders of 10,000 products besides."""
    rng, number = np.random.default_rng(1), 20_000
    orders = FRAMES["orders"]
    more = orders.iloc[rng.integers(0, len(orders), number)].assign(
        product=[f"many {n // 2}" for n in range(number)], revenue=1.25, known_at=pd.NaT
    )
    return FRAMES | {"orders": pd.concat([orders, more])}


def months_without_events() -> Frames:
    """Nothing from the 5th of January to the 12th of April, and one event of each kind in 1969."""
    frames = dict(FRAMES)
    for name, time in TIME.items():
        frame = FRAMES[name]
        left = frame[~frame[time].between(datetime(2024, 1, 5), datetime(2024, 4, 12))]
        first = frame.iloc[[0]].assign(**{time: pd.Timestamp(1969, 12, 31, 23), "known_at": pd.NaT})
        frames[name] = pd.concat([left, first.astype(frame.dtypes)])
    return frames


@pytest.mark.parametrize("odd", [odd_names, half_by_one, many_products, months_without_events])
def test_odd_data_give_the_features_of_the_oracle(empty, tmp_path, odd):
    frames = odd()
    assert_right(features_at(opened(frames, tmp_path / "data", empty), NEW), frames, NEW)


@pytest.mark.parametrize(("form", "cutoffs"), [("csv", 3), ("parquet", 1)])
def test_days_are_those_of_utc_where_times_have_zones_and_clocks_change(empty, tmp_path, form, cutoffs):
    """Berlin's clocks go forward on 2024-03-31 at 01:00 UTC."""
    rng, utc, local = np.random.default_rng(2), dict(FRAMES), {}
    for name, time in TIME.items():
        frame = FRAMES[name]
        quarters = pd.Series(rng.integers(0, 120, len(frame)) * 15, index=frame.index)
        near = pd.Timestamp("2024-03-30 20:00") + pd.to_timedelta(quarters, "min")
        utc[name] = frame.assign(**{time: frame[time].mask(rng.random(len(frame)) < 0.3, near)})
    for name, frame in utc.items():
        times = {column: frame[column].dt.tz_localize("UTC") for column in frame if column.endswith("_at")}
        times = {column: moments.dt.tz_convert("Europe/Berlin") for column, moments in times.items()}
        if form == "csv":
            times = {
                column: moments.map(lambda moment: None if pd.isna(moment) else moment.isoformat())
                for column, moments in times.items()
            }
        local[name] = frame.assign(**times)
    folder = feature_frames.write(local, tmp_path / "local", form)
    dataset = replace(checks.check(folder, SETTINGS)[0], cache=empty)
    for as_of in (datetime(2024, 3, 31), datetime(2024, 4, 1), datetime(2024, 3, 31, 0, 30))[:cutoffs]:
        assert_right(features_at(dataset, as_of), utc, as_of)


def test_the_folder_may_have_any_name(tmp_path):
    names = ["a b", "it's", 'a "quote"', "both ' and \"", "[a]*?{b}", "🎉 %20", "day=2024-01-01"]
    cache = tmp_path.joinpath(*names)
    as_of = datetime(2024, 6, 20)
    small = feature_frames.small()
    assert_right(features_at(opened(small, tmp_path / "data", cache), as_of), small, as_of)
    assert kept(cache)
