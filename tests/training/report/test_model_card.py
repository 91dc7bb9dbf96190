import re
from dataclasses import replace

import numpy as np
import pytest

from ripple.training.attribution.controls.outcomes import ControlOutcome
from ripple.training.report.model_card import model_card
from ripple.training.report.sections.trust.placebos import ASSUMPTION
from ripple.training.report.text import words
from tests.support.runs.rendered_page import numbers
from tests.support.runs.results import altered

SECTIONS = ["Intended use", "Data", "Label", "Metrics", "Fairness", "Limits"]
MIN_LENGTH = 80


def sections(card):
    """Title → what stands below it."""
    parts = re.split(r"^## (.+)$", card, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], (text.strip() for text in parts[1::2]), strict=True))


@pytest.fixture(scope="module")
def result(trained_result):
    return trained_result


@pytest.fixture(scope="module")
def card(result):
    return model_card(result)


@pytest.fixture(scope="module")
def bleak(result):
    """The run where everything is undefined or absent that can be."""
    backtest = result.evaluation.backtest
    heads = backtest.heads.assign(predicted_share=np.nan, coverage=np.nan, brier=np.nan)
    return altered(
        result,
        backtest=replace(backtest, heads=heads, lead=(np.nan, np.nan, np.nan)),
        predictions=result.evaluation.predictions.assign(low=np.nan, high=np.nan, top_probability=np.nan),
        totals=dict.fromkeys(result.label.totals, 0.0),
        robustness=None,
        features=result.population.features.assign(tenure_days=np.nan),
    )


@pytest.mark.parametrize("which", ["result", "bleak"])
def test_no_section_is_empty(which, request):
    card_sections = sections(model_card(request.getfixturevalue(which)))
    assert list(card_sections) == SECTIONS
    for title, text in card_sections.items():
        assert len(text) > MIN_LENGTH, title
        assert not re.search(r"\b(nan|inf|None|NaT)\b", text), title
        assert "{{" not in text
        for line in text.splitlines():
            assert not re.fullmatch(r"\| *\|.*|[-*] *", line), f"{title}: {line}"


def test_metrics_come_with_intervals_that_hold_them(card):
    rows = re.findall(r"^\| (.+?) \| ([\d.]+) \(([\d.]+) to ([\d.]+)\) \|", card, re.MULTILINE)
    assert [name for name, *_ in rows] == [
        *("Capture at 1 %", "Predicted ÷ realised", "Coverage", "Expected ÷ true members of the top 1 %"),
    ]
    for _, value, low, high in rows:
        assert float(low) <= float(value) <= float(high)


def test_metrics_are_those_of_the_run(card, result):
    assert f"| Capture at 1 % | {result.headline()['capture']:.3f} (" in card
    heads = result.evaluation.backtest.heads
    share = (heads["predicted_share"] * heads["realised"]).sum() / heads["realised"].sum()
    assert f"| Predicted ÷ realised | {share:.3f} (" in card


def test_the_label_has_the_assumption_and_the_share_that_may_be_chance(card, result):
    label = sections(card)["Label"]
    assert ASSUMPTION in label
    chance = label.partition("Negative controls")[0]
    assert numbers(chance)[-1] == numbers(words.percent(result.label.chance_share))[0]


def test_negative_controls_are_given(result):
    controls = result.label.controls
    for finding in controls.findings():
        assert f"- {finding.text}" in model_card(result)
    outcome = ControlOutcome("price rise", 300, 0.31, 0.02)
    named = model_card(
        replace(result, label=replace(result.label, controls=replace(controls, outcomes=(outcome,))))
    )
    assert "- 31.0% (± 4.0%) of 300 first times of 'price rise'" in named
    without = model_card(replace(result, label=replace(result.label, controls=None)))
    assert "Negative controls" not in without


def test_a_label_without_influence_is_marked(card, result):
    absent = altered(result, robustness=replace(result.label.robustness, influence=0.0))
    assert "**" in sections(model_card(absent))["Label"]
    assert "**" not in sections(card)["Label"]


def test_kinds_of_customers_that_are_predicted_badly_are_named(result):
    def listed(shares):
        backtest = replace(
            result.evaluation.backtest,
            slices=result.evaluation.backtest.slices.assign(predicted_share=shares),
        )
        fairness = sections(model_card(altered(result, backtest=backtest)))["Fairness"]
        return re.findall(r"^- (.+): ([\d.]+) times", fairness, re.MULTILINE)

    assert listed(1.0) == []
    first, *others = result.evaluation.backtest.slices["slice"]
    assert listed([2.6, *[1.0] * len(others)]) == [(first, "2.60")]


def test_customers_about_whom_the_models_disagree_are_listed(result):
    scores = result.population.scores.copy()
    best = scores["network_value"].idxmax()
    scores.loc[best, "top_probability"] = 0.0
    text = sections(model_card(altered(result, scores=scores)))["Metrics"]
    assert re.search(rf"^- {best}: .+ \(rank 1\), .+ 0\.0% ", text, re.MULTILINE)


def test_empty_features_are_named(result):
    empty = altered(result, features=result.population.features.assign(out_degree=np.nan))
    assert "out_degree" in sections(model_card(empty))["Data"]
    assert "out_degree" not in sections(model_card(result))["Data"]


def test_names_of_run_and_dataset_do_not_change_it(card, result):
    other = replace(result, name="another name", dataset="elsewhere")
    assert model_card(other) == card
