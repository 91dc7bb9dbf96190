import re
from dataclasses import replace

import numpy as np
import pytest

from ripple.training.report.model_card import model_card

SECTIONS = ["Intended use", "Data", "Label", "Metrics", "Fairness", "Limits"]
LEAST = 80


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
    judged = result.backtest
    heads = judged.heads.assign(predicted_share=np.nan, coverage=np.nan, brier=np.nan)
    return replace(
        result,
        backtest=replace(judged, heads=heads, lead=(np.nan, np.nan, np.nan)),
        predictions=result.predictions.assign(low=np.nan, high=np.nan, top_probability=np.nan),
        label_totals=dict.fromkeys(result.label_totals, 0.0),
        robustness=None,
        features=result.features.assign(tenure_days=np.nan),
    )


@pytest.mark.parametrize("which", ["result", "bleak"])
def test_no_section_is_empty(which, request):
    found = sections(model_card(request.getfixturevalue(which)))
    assert list(found) == SECTIONS
    for title, text in found.items():
        assert len(text) > LEAST, title
        assert not re.search(r"\b(nan|inf|None|NaT)\b", text), title
        assert "{{" not in text
        for line in text.splitlines():
            assert not re.fullmatch(r"\| *\|.*|[-*] *", line), f"{title}: {line}"


def test_metrics_come_with_intervals_that_hold_them(card):
    rows = re.findall(r"^\| (.+?) \| ([\d.]+) \(([\d.]+) to ([\d.]+)\) \|", card, re.MULTILINE)
    assert [name for name, *_ in rows] == [
        *("Capture at 1 %", "Predicted ÷ realised", "Coverage", "Expected ÷ true members of the top 1 %"),
    ]
    for _, found, low, high in rows:
        assert float(low) <= float(found) <= float(high)


def test_metrics_are_those_of_the_run(card, result):
    assert f"| Capture at 1 % | {result.headline()['capture']:.3f} (" in card
    heads = result.backtest.heads
    share = (heads["predicted_share"] * heads["realised"]).sum() / heads["realised"].sum()
    assert f"| Predicted ÷ realised | {share:.3f} (" in card


def test_the_assumption_and_what_may_be_coincidence_stand_beside_the_label(card):
    label = sections(card)["Label"]
    assert "assuming nothing unmeasured drives both within a stratum" in label
    assert re.search(r"up to \d+ % of what was credited may be coincidence", label)


def test_no_influence_is_said_there(result):
    absent = replace(result, robustness=replace(result.robustness, influence=0.0))
    assert "**No influence was found**" in sections(model_card(absent))["Label"]


def test_kinds_of_customers_that_are_served_badly_are_named(result):
    def told(shares):
        uneven = result.backtest.slices.assign(predicted_share=shares)
        judged = replace(result.backtest, slices=uneven)
        return sections(model_card(replace(result, backtest=judged)))["Fairness"]

    assert "In no group" in told(1.0)
    first, *others = result.backtest.slices["slice"]
    assert f"- {first}: 2.60 times what came true" in told([2.6, *[1.0] * len(others)])


def test_customers_about_whom_the_heads_disagree_are_listed(result):
    scores = result.scores.copy()
    best = scores["network_value"].idxmax()
    scores.loc[best, "top_probability"] = 0.0
    text = sections(model_card(replace(result, scores=scores)))["Metrics"]
    assert re.search(rf"- {best}: expected .+ \(rank 1\), with a probability of 0\.0%", text)


def test_empty_features_are_named(result):
    holed = replace(result, features=result.features.assign(out_degree=np.nan))
    assert "telling nobody apart: out_degree." in sections(model_card(holed))["Data"]


def test_it_tells_nothing_that_would_make_the_same_model_another(card, result):
    other = replace(result, name="another name", dataset="elsewhere")
    assert model_card(other) == card
