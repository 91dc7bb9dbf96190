import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ripple.models import Reason
from ripple.models.reasons import reasons
from ripple.training.report.plots.waterfall import MAX_STEPS, Waterfall, waterfall
from ripple.training.report.text import words
from ripple.training.result import TrainingResult


@pytest.fixture(scope="module")
def chains(result: TrainingResult) -> list[tuple[float, Waterfall]]:
    """Score and chain of every customer."""
    bundle = result.population.bundle
    x = bundle.matrix(result.population.features)
    _, base = bundle.contributions("value", x)
    values = bundle.score_matrix(x)["network_value"]
    return [
        (float(value), waterfall(float(start), every, bundle.spec))
        for value, start, every in zip(values, base, reasons(bundle, "value", x, 0), strict=True)
    ]


def test_start_times_factors_is_the_score(
    result: TrainingResult, chains: list[tuple[float, Waterfall]]
) -> None:
    for value, chain in chains:
        product = math.exp(chain.steps[0].before + sum(step.effect for step in chain.steps))
        assert product == pytest.approx(value, rel=1e-9)
        assert chain.score == chain.steps[-1].running == words.money(value, result.settings.currency)


def test_every_step_begins_where_the_one_before_ended(chains: list[tuple[float, Waterfall]]) -> None:
    for _, chain in chains:
        for earlier, later in zip(chain.steps, chain.steps[1:], strict=False):
            assert earlier.after == later.before


def test_the_strongest_steps_stand_alone_and_the_rest_together(
    result: TrainingResult,
    chains: list[tuple[float, Waterfall]],
) -> None:
    for _, chain in chains:
        assert len(chain.steps) == MAX_STEPS + 1
        sizes = [abs(step.effect) for step in chain.steps[:-1]]
        assert sizes == sorted(sizes, reverse=True)
        assert chain.steps[-1].name.startswith(f"{len(result.population.bundle.spec.names) - MAX_STEPS} ")


def test_bars_stay_inside_the_chart(chains: list[tuple[float, Waterfall]]) -> None:
    for _, chain in chains:
        for step in chain.steps:
            assert step.left >= 0
            assert step.left + step.width <= 100.5


@given(base=st.floats(-5, 5), effects=st.lists(st.floats(-4, 4), min_size=1, max_size=15))
def test_any_chain_adds_up(result: TrainingResult, base: float, effects: list[float]) -> None:
    names = result.population.bundle.spec.names
    strongest = [
        Reason(names[i], "network", 1.0, effect, math.exp(effect), "") for i, effect in enumerate(effects)
    ]
    chain = waterfall(base, strongest, result.population.bundle.spec)
    assert chain.steps[-1].after == pytest.approx(base + np.sum(effects), abs=1e-9)
    assert len(chain.steps) == min(len(effects), MAX_STEPS + 1)
