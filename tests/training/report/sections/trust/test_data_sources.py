from dataclasses import replace
from datetime import datetime

from ripple.features.registry import features
from ripple.features.views import VIEWS
from ripple.settings import Settings
from ripple.training.report.sections.trust.data_sources import COLUMNS, NEEDS, sources
from ripple.training.report.text.words import Cell
from ripple.training.result import TrainingResult


def test_every_view_that_can_be_absent_is_known() -> None:
    always = {"customers", "orders", "purchases"}
    assert set(VIEWS) - always == set(NEEDS)


def test_everything_a_feature_may_lack_is_known() -> None:
    known = set(COLUMNS) | {feature.name for feature in features(Settings().features)}
    for feature in features(Settings().features):
        assert set(feature.needs) <= known


def test_an_absent_table_is_named_with_the_features_it_costs(result: TrainingResult) -> None:
    found = sources(result)
    assert found["lost"] == [("the table feedback", ["feedback count", "feedback mean", "feedback latest"])]
    assert ("feedback", Cell("absent", None, missing=True)) in found["tables"]
    assert ("usage", Cell("20,000", 20_000.0)) in found["tables"]


def test_an_absent_column_is_named_where_the_table_is_there(result: TrainingResult) -> None:
    spec = result.bundle.spec
    without = tuple(f for f in spec.features if f.name not in ("margin_share", "advanced_coverage"))
    bundle = replace(result.bundle, spec=replace(spec, features=without))
    lost = dict(sources(replace(result, bundle=bundle))["lost"])
    assert lost["the column orders.margin"] == ["margin share"]
    assert lost["the column catalog.tier"] == ["advanced coverage"]


def test_an_absent_catalogue_takes_its_features_with_it(result: TrainingResult) -> None:
    spec = result.bundle.spec
    without = tuple(f for f in spec.features if not f.name.startswith(("advanced", "days_from")))
    bundle = replace(result.bundle, spec=replace(spec, features=without))
    checks = replace(result.checks, absent=["catalog", "feedback"])
    lost = dict(sources(replace(result, bundle=bundle, checks=checks))["lost"])
    assert "advanced power user" in lost["the table catalog"]
    assert "days from release" in lost["the table catalog"]


def test_rows_set_aside_are_counted_with_their_rule(result: TrainingResult) -> None:
    found = sources(result)
    assert found["aside"] == [
        (7, "interactions.kind", "one referrer for a customer", "the earliest referral counts")
    ]
    assert found["finding"].endswith("and set 7 of them aside")


def test_cutoffs_show_that_the_embargo_was_kept(result: TrainingResult) -> None:
    found = sources(result)
    assert found["cutoffs"][0] == (
        datetime(2025, 3, 7),
        datetime(2025, 9, 3),
        6,
        datetime(2023, 11, 13),
        datetime(2024, 9, 8),
    )
    assert found["final"] == len(result.schedule.grid)
    assert found["left_out"] == []


def test_a_cutoff_without_credit_is_named(result: TrainingResult) -> None:
    backtest = replace(result.backtest, heads=result.backtest.heads.iloc[1:])
    found = sources(replace(result, backtest=backtest))
    assert found["left_out"] == ["7 March 2025"]
    assert len(found["cutoffs"]) == 2
