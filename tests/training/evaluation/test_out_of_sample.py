from dataclasses import replace

import numpy as np
import pytest

from ripple.training.evaluation.backtest import RollingOriginBacktester, backtest
from ripple.training.evaluation.cutoff_evaluation import MODEL
from ripple.training.evaluation.metrics import capture, coverage
from ripple.training.evaluation.out_of_sample import at_champions_cutoffs, out_of_sample_predictions
from ripple.training.evaluation.prediction_table import evaluated_at
from tests.support import synthetic_examples


@pytest.fixture(scope="module")
def backtester():
    return RollingOriginBacktester(
        synthetic_examples.history(), synthetic_examples.plan(), synthetic_examples.SETTINGS
    )


@pytest.fixture(scope="module")
def predictions(backtester):
    return out_of_sample_predictions(backtester, synthetic_examples.plan().evaluation)


def test_they_are_what_the_backtest_evaluated(backtester, predictions):
    evaluated = backtest(backtester)
    rankings = evaluated.rankings.set_index(["cutoff", "ranking"])["capture"]
    for cutoff, rows in predictions.groupby("cutoff"):
        day = f"{cutoff:%Y-%m-%d}"
        predicted, realised = rows["predicted"].to_numpy(), rows["realised"].to_numpy()
        assert capture(predicted, realised, 0.05) == pytest.approx(rankings[(day, MODEL)])
        head = evaluated.heads.set_index("cutoff").loc[day]
        assert predicted.sum() / realised.sum() == pytest.approx(head["predicted_share"])
        inside = coverage(realised, rows["low"].to_numpy(), rows["high"].to_numpy())
        assert inside == pytest.approx(head["coverage"])
        brier = ((rows["top_probability"] - rows["at_top"]) ** 2).mean()
        assert brier == pytest.approx(head["brier"])


def test_there_is_a_row_for_every_customer_of_every_cutoff(backtester, predictions):
    for cutoff in synthetic_examples.plan().evaluation:
        rows = predictions[predictions["cutoff"] == cutoff]
        assert rows["customer_id"].tolist() == backtester.examples[cutoff].features.index.tolist()


def test_without_a_cutoff_to_calibrate_on_there_is_no_interval(backtester):
    plan = synthetic_examples.plan()
    rows = out_of_sample_predictions(backtester, [plan.grid[0] + plan.horizon])
    assert rows[["low", "high", "top_probability"]].isna().all(axis=None)
    assert (rows["predicted"] > 0).all()


def test_a_champions_cutoff_serves_where_something_had_closed_and_the_window_has(backtester, monkeypatch):
    plan = synthetic_examples.plan()
    end = synthetic_examples.END
    only_trained_on = replace(backtester.examples[plan.grid[-1]], known_today=None)
    dated = replace(
        backtester,
        settings=backtester.settings.model_copy(update={"until": end}),
        examples=backtester.examples | {plan.grid[-1]: only_trained_on},
    )
    middle = plan.grid[4] + (plan.grid[5] - plan.grid[4]) / 2
    computed = []

    def examples_at(dataset, cutoff):
        computed.append(cutoff)
        return replace(synthetic_examples.examples(cutoff, seed=9), cutoff=cutoff)

    monkeypatch.setattr("ripple.training.evaluation.out_of_sample.examples_at", examples_at)
    champion_cutoffs = [plan.grid[0], middle, plan.grid[-1], end - plan.horizon / 2]
    back = at_champions_cutoffs(dated, None, champion_cutoffs)
    assert back.schedule.evaluation == (middle, plan.grid[-1])
    assert computed == [middle, plan.grid[-1]]
    # trained on what had closed by then, and by none of the cutoffs that are looked back at
    training_cutoffs = [cutoff for cutoff in plan.grid if cutoff + plan.horizon <= middle]
    assert back.schedule.training_for(middle) == training_cutoffs
    rows = out_of_sample_predictions(back, back.schedule.evaluation)
    assert evaluated_at(rows) == [middle, plan.grid[-1]]
    assert np.isfinite(rows["predicted"]).all()


def test_nobody_credited_there_is_nothing_to_compare_by(backtester, monkeypatch):
    plan = synthetic_examples.plan()
    middle = plan.grid[4] + (plan.grid[5] - plan.grid[4]) / 2
    nobody = synthetic_examples.examples(middle)
    monkeypatch.setattr(
        "ripple.training.evaluation.out_of_sample.examples_at",
        lambda *given: replace(nobody, labels=nobody.labels * 0.0),
    )
    back = at_champions_cutoffs(backtester, None, [middle])
    assert back.schedule.evaluation == ()
    assert out_of_sample_predictions(back, ()).empty
