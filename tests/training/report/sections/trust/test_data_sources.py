from dataclasses import replace
from datetime import datetime

from ripple.features.registry import features
from ripple.features.views import VIEWS
from ripple.settings import Settings
from ripple.training.report.sections.trust.data_sources import COLUMNS, NEEDS, data_sources_section
from ripple.training.report.text.words import Cell
from ripple.training.result import TrainingResult
from tests.support.runs.rendered_page import numbers
from tests.support.runs.results import altered


def test_every_view_that_can_be_absent_is_known() -> None:
    always = {"customers", "orders", "purchases"}
    assert set(VIEWS) - always == set(NEEDS)


def test_everything_a_feature_may_lack_is_known() -> None:
    known = set(COLUMNS) | {feature.name for feature in features(Settings().features)}
    for feature in features(Settings().features):
        assert set(feature.needs) <= known


def test_an_absent_table_is_named_with_the_features_it_costs(result: TrainingResult) -> None:
    section = data_sources_section(result)
    assert section["missing"] == [
        ("the table feedback", ["feedback count", "feedback mean", "feedback latest"])
    ]
    assert ("feedback", Cell("absent", None, missing=True)) in section["tables"]
    assert ("usage", Cell("20,000", 20_000.0)) in section["tables"]


def test_an_absent_column_is_named_where_the_table_is_there(result: TrainingResult) -> None:
    spec = result.population.bundle.spec
    without = tuple(f for f in spec.features if f.name not in ("margin_share", "advanced_coverage"))
    bundle = replace(result.population.bundle, spec=replace(spec, features=without))
    missing = dict(data_sources_section(altered(result, bundle=bundle))["missing"])
    assert missing["the column orders.margin"] == ["margin share"]
    assert missing["the column catalog.tier"] == ["advanced coverage"]


def test_an_absent_catalogue_takes_its_features_with_it(result: TrainingResult) -> None:
    spec = result.population.bundle.spec
    without = tuple(f for f in spec.features if not f.name.startswith(("advanced", "days_from")))
    bundle = replace(result.population.bundle, spec=replace(spec, features=without))
    checks = replace(result.data.checks, absent=["catalog", "feedback"])
    missing = dict(data_sources_section(altered(result, bundle=bundle, checks=checks))["missing"])
    assert "advanced power user" in missing["the table catalog"]
    assert "days from release" in missing["the table catalog"]


def test_rows_set_aside_are_counted_with_their_rule(result: TrainingResult) -> None:
    section = data_sources_section(result)
    assert section["set_aside"] == [
        (7, "interactions.kind", "one referrer for a customer", "the earliest referral counts")
    ]
    rows = sum(result.data.checks.rows.values())
    assert numbers(section["finding"])[:2] == [f"{rows:,}", "5"]
    assert numbers(section["finding"])[-1] == "7"


def test_cutoffs_show_that_the_embargo_was_kept(result: TrainingResult) -> None:
    section = data_sources_section(result)
    assert section["cutoffs"][0] == (
        datetime(2025, 3, 7),
        datetime(2025, 9, 3),
        6,
        datetime(2023, 11, 13),
        datetime(2024, 9, 8),
    )
    assert section["final"] == len(result.data.schedule.grid)
    assert section["skipped"] == []


def test_a_cutoff_without_credit_is_named(result: TrainingResult) -> None:
    backtest = replace(result.evaluation.backtest, heads=result.evaluation.backtest.heads.iloc[1:])
    section = data_sources_section(altered(result, backtest=backtest))
    assert section["skipped"] == ["7 March 2025"]
    assert len(section["cutoffs"]) == 2


def test_warnings_of_the_check_are_listed_and_otherwise_nothing_is_said(result: TrainingResult) -> None:
    assert data_sources_section(result)["warnings"] == []
    checks = replace(result.data.checks, notes=["orders: 2 columns not used: a, b"])
    assert data_sources_section(altered(result, checks=checks))["warnings"] == checks.notes
