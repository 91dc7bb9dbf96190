"""Views of the small dataset, whose rows are few enough to know by heart: its first day is 50 days ago."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pandas as pd
import pytest

from ripple import digests
from ripple.features import views
from ripple.features.dataset import Dataset, open_dataset
from ripple.features.views import VIEWS
from tests.support.oracles import feature_frames
from tests.support.oracles.feature_frames import SETTINGS

AS_OF = datetime(2024, 6, 20)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return open_dataset(
        feature_frames.write(feature_frames.small(), tmp_path_factory.mktemp("data")), SETTINGS
    )


@pytest.fixture(scope="module")
def view(dataset: Dataset) -> Callable[[str], pd.DataFrame | None]:
    """A view as a frame, its customers by id."""
    past = dataset.history.before(AS_OF)
    ids = past["members"].to_pandas().set_index("customer").customer_id

    def view(name: str) -> pd.DataFrame | None:
        table = VIEWS[name](past, SETTINGS)
        return (
            None if table is None else table.to_pandas().assign(customer=lambda rows: rows.customer.map(ids))
        )

    return view


def records(frame: pd.DataFrame, *columns: str) -> list[tuple[object, ...]]:
    return sorted(frame[["customer", *columns]].itertuples(index=False, name=None))


def test_customers_have_the_age_of_their_account(view):
    assert records(view("customers"), "age") == [(f"c{n}", 171) for n in range(1, 6)]


def test_usage_has_a_fresh_row_for_each_day(view):
    usage = view("usage")
    assert len(usage) == 4 * 50
    assert usage.fresh.all()
    assert (usage.age.min(), usage.age.max()) == (1, 50)


def test_feature_use_has_the_events_of_each_window_and_the_tier(view):
    assert records(view("feature_use"), "feature", "events_7d", "events_30d", "advanced") == [
        ("c1", "f2", 7, 30, True),
        ("c2", "f3", 7, 30, True),
        ("c3", "f1", 7, 30, False),
        ("c4", "f2", 7, 30, True),
    ]


def test_first_use_has_the_delay_from_the_release_and_how_early_it_was(view):
    """c1 and c4 started on one day; f3 was used five days before it was released."""
    assert records(view("first_use"), "feature", "delay", "earliness", "advanced_released") == [
        ("c1", "f2", 121, 1, 2),
        ("c2", "f3", -5, 1, 2),
        ("c3", "f1", 121, 1, 2),
        ("c4", "f2", 121, 1, 2),
    ]


def test_orders_are_by_day_and_product_and_a_refund_is_no_order(view):
    assert records(view("orders"), "product", "age", "orders", "revenue", "margin_revenue") == [
        ("c1", "p1", 10, 0, -30, -30),
        ("c1", "p1", 48, 1, 100, 100),
        ("c1", "p2", 41, 1, 20, 20),
        ("c2", "p1", 30, 1, 50, 50),
        ("c3", "p1", 20, 1, 80, 80),
    ]


def test_purchases_are_the_first_of_each_product(view):
    assert records(view("purchases"), "product", "age") == [
        ("c1", "p1", 48),
        ("c1", "p2", 41),
        ("c2", "p1", 30),
        ("c3", "p1", 20),
    ]


def test_a_referral_is_seen_from_both_sides(view):
    assert records(view("referred"), "age") == [("c2", 50)]
    columns = ("age", "revenue", "last_order_age", "revenue_7d", "revenue_30d", "last_use_age")
    assert records(view("invited"), *columns) == [("c1", 50, 50, 30, 0, 50, 1)]


def test_feedback_marks_the_latest_day(view):
    assert records(view("feedback"), "given", "total", "age", "latest") == [
        ("c1", 1, 0.5, 47, True),
        ("c2", 1, -1, 40, True),
    ]


def test_contacts_are_those_of_the_graph_without_referrals(view):
    assert records(view("contacts"), "out_degree", "in_degree", "mutual") == [
        ("c1", 1, 1, 0),
        ("c2", 1, 0, 0),
        ("c3", 1, 1, 0),
        ("c4", 0, 1, 0),
        ("c5", 0, 0, 0),
    ]


def test_a_view_is_absent_without_its_table_or_column(view, dataset):
    assert view("users") is None
    without = replace(
        dataset,
        tables=replace(
            dataset.tables,
            tables={name: dataset.tables[name] for name in ("customers", "orders")},
        ),
    )
    past = without.history.before(AS_OF)
    assert {name for name, make in VIEWS.items() if make(past, SETTINGS) is not None} == {
        "customers",
        "orders",
        "purchases",
    }


def graphs_in(cache: Path) -> int:
    return len(list(cache.glob("cutoffs/*/graph/*.parquet")))


@pytest.mark.parametrize("change", ["source", "scipy"])
def test_a_cached_graph_is_not_used_after_a_change_of_its_code_or_libraries(
    dataset, tmp_path, monkeypatch, change
):
    cached, uncached = replace(dataset, cache=tmp_path / "cache"), digests.code_digest.__wrapped__

    def computed() -> int:
        VIEWS["contacts"](cached.history.before(AS_OF), SETTINGS)
        return graphs_in(tmp_path / "cache")

    monkeypatch.setattr(views, "code_digest", uncached)
    assert [computed(), computed()] == [1, 1]
    with monkeypatch.context() as patch:
        if change == "source":
            file, other = digests._file, tmp_path / "leads.py"
            other.write_text(f"{file('ripple.features.graph.leads').read_text()}\nCHANGED = True\n")
            patch.setattr(
                digests, "_file", lambda name: other if name.endswith(".graph.leads") else file(name)
            )
        else:
            version = digests.version
            patch.setattr(digests, "version", lambda name: "0.0" if name == change else version(name))
        assert computed() == 2
    assert computed() == 2
