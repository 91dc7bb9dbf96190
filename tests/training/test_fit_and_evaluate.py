from dataclasses import asdict, replace
from datetime import timedelta

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from threadpoolctl import threadpool_limits

from ripple.errors import InputError
from ripple.features.tables.contract import CONTRACT
from ripple.features.tables.tables import Tables
from ripple.features.validation.checks import load
from ripple.models.bundle import RANGE_SCORES, SCORES
from ripple.settings import Gate
from ripple.settings import load as load_settings
from ripple.training import pipeline
from ripple.training.examples.examples import features_at, frame
from ripple.training.examples.feature_sequence import Rows
from ripple.training.registry.gate import decide
from ripple.training.report.model_card import model_card


def test_the_bundle_says_what_it_was_trained_on(result, opened, plan):
    spec = result.population.bundle.spec
    assert spec.names == list(result.population.features.columns)
    assert spec.trained_until == result.population.as_of.isoformat() == opened[1].end.isoformat()
    assert (spec.horizon_days, spec.top_share, spec.currency) == (60, 0.01, "USD")
    assert all(feature.description and feature.unit and feature.family for feature in spec.features)
    assert spec.level > 0
    assert spec.slope > 0


def test_scores_are_of_everybody_at_the_end_of_the_data(result, opened):
    now = frame(features_at(opened[0], result.population.as_of))
    pd.testing.assert_frame_equal(result.population.features, now, check_exact=True)
    scores = result.population.bundle.score(now)
    pd.testing.assert_frame_equal(result.population.scores[list(scores)], scores, check_exact=True)
    assert result.population.scores["top_member"].sum() == np.ceil(0.01 * len(now))


def test_more_credit_in_the_past_never_lowers_a_score(result):
    features, bundle = result.population.features, result.population.bundle
    rising = [name for name in features if name.startswith("past_") or "referral" in name]
    assert len(rising) > 5
    before = bundle.score(features)
    random = np.random.default_rng(4)
    for name in rising:
        more = random.pareto(1, len(features)) * features[name].abs().max()
        after = bundle.score(features.assign(**{name: features[name] + more}))
        # without a value there is nothing to raise
        known = features[name].notna()
        for score in ("network_value", "top_probability"):
            assert (after[score] >= before[score])[known].all(), name


@pytest.fixture(scope="module")
def renamed(folder, tmp_path_factory):
    """The dataset with other customer ids, in another order, and all rows and columns shuffled."""
    out = tmp_path_factory.mktemp("renamed")
    random = np.random.default_rng(5)
    old = pq.read_table(folder / "customers.parquet")["customer_id"].to_pylist()
    names = dict(zip(old, (f"x{number:04d}" for number in random.permutation(len(old))), strict=True))
    for file in folder.glob("*.parquet"):
        table = pq.read_table(file)
        for column in CONTRACT[file.stem].customers:
            place = table.column_names.index(column)
            ids = pa.array([names[customer] for customer in table[column].to_pylist()])
            table = table.set_column(place, column, ids)
        table = table.select(random.permutation(table.column_names).tolist())
        pq.write_table(table.take(random.permutation(table.num_rows)), out / file.name)
    (out / "ripple.toml").write_bytes((folder / "ripple.toml").read_bytes())
    return out, names


def test_renaming_customers_and_shuffling_rows_and_columns_changes_nothing(result, renamed):
    folder, names = renamed
    renamed_result = pipeline.fit_and_evaluate(*load(folder, load_settings(folder)), "renamed")
    features = result.population.features.rename(index=names).sort_index()
    pd.testing.assert_frame_equal(renamed_result.population.features, features, check_exact=True)
    assert asdict(renamed_result.population.bundle.spec) == asdict(result.population.bundle.spec)
    assert (
        renamed_result.population.bundle.value.model_to_string()
        == result.population.bundle.value.model_to_string()
    )
    assert (
        renamed_result.population.bundle.top.model_to_string()
        == result.population.bundle.top.model_to_string()
    )
    scores = result.population.scores.rename(index=names).sort_index()
    pd.testing.assert_frame_equal(
        renamed_result.population.scores[list(scores)], scores[list(scores)], check_exact=True
    )
    pd.testing.assert_frame_equal(
        renamed_result.evaluation.backtest.rankings, result.evaluation.backtest.rankings, check_exact=True
    )
    predictions = result.evaluation.predictions.assign(
        customer_id=result.evaluation.predictions["customer_id"].map(names)
    )
    pd.testing.assert_frame_equal(renamed_result.evaluation.predictions, predictions, check_exact=True)
    assert decide(renamed_result, None, None).reasons == decide(result, None, None).reasons
    # a sum over customers in the order of their ids
    assert renamed_result.headline() == pytest.approx(result.headline(), rel=1e-12)


@pytest.fixture
def learn(opened, examples, monkeypatch):
    """Learns again, where examples at the cutoffs are as they are changed to be."""

    def run(change=lambda one: one):
        monkeypatch.setattr(pipeline, "examples_at", lambda dataset, cutoff, *_: change(examples[cutoff]))
        return pipeline.fit_and_evaluate(*opened, "again")

    return run


def files(result, folder):
    """What is written of a bundle, its card included."""
    folder.mkdir()
    result.population.bundle.save(folder)
    return {file.name: file.read_bytes() for file in folder.iterdir()} | {"card": model_card(result)}


def test_the_same_data_give_the_same_bundle_on_one_thread_and_on_two(result, learn, tmp_path):
    with threadpool_limits(2):
        learned = learn()
        assert files(learned, tmp_path / "two") == files(result, tmp_path / "one")
    pd.testing.assert_frame_equal(
        learned.evaluation.predictions, result.evaluation.predictions, check_exact=True
    )
    assert decide(learned, None, None) == decide(result, None, None)


def test_a_customer_without_any_event_gets_a_sane_and_wide_answer(opened, result):
    dataset = opened[0]
    customers = dataset.tables["customers"]
    joined_at = ibis.literal(result.population.as_of - timedelta(days=40))
    nobody = customers.limit(1).mutate(customer_id=ibis.literal("nobody"), joined_at=joined_at)
    both = customers.union(nobody.cast(customers.schema())).cache()
    tables = Tables(dict(dataset.tables.tables) | {"customers": both})
    features = frame(features_at(replace(dataset, tables=tables, cache=None), result.population.as_of)).loc[
        ["nobody"]
    ]
    score = result.population.bundle.score(features).iloc[0]
    assert 0 < score["any_value_probability"] < result.population.scores["any_value_probability"].mean()
    assert 0 < score["if_any_value_low"] < score["if_any_value_high"]
    assert score["network_value"] < result.population.scores["network_value"].mean()
    assert 0 < score["top_probability"] < 0.05
    # that they bring nothing cannot be ruled out
    assert score["network_value_low"] == 0


def test_a_feature_without_any_value_is_said_and_left_unused(learn, progress):
    def holed(one):
        without = one.features.assign(out_degree=np.nan, past_network_value=np.nan)
        return replace(one, rows=Rows.of(without))

    learned = learn(holed)
    gains = dict(
        zip(
            learned.population.bundle.spec.names,
            learned.population.bundle.value.feature_importance("gain"),
            strict=True,
        )
    )
    assert gains["out_degree"] == gains["past_network_value"] == 0
    assert np.isfinite(learned.population.scores["network_value"]).all()


def test_one_huge_sale_does_not_get_past_the_gate(learn, plan):
    def lucky(one):
        if one.cutoff != plan.evaluation[-1]:
            return one
        value = one.labels["network_value"].to_numpy().copy()
        value[int(np.argmin(value))] = 5e6
        labels = one.labels.assign(network_value=value)
        return replace(one, labels=labels, known_today=labels)

    learned = learn(lucky)
    assert np.isfinite(learned.population.scores[[*SCORES, *RANGE_SCORES]]).all(axis=None)
    strict = learned.settings.model_copy(update={"gate": Gate()})
    decision = decide(replace(learned, settings=strict), None, None)
    assert not decision.passed
    failed = [check.name for check in decision.checks if not check.passed]
    assert "single customer" in failed
    assert model_card(learned)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (lambda labels: 0.0, "Every label is zero"),
        (lambda labels: 25.0, "all customers are credited with the same network value"),
        (lambda labels: np.where(labels.index == "c000000", 5.0, 0.0), "Only 1 customer is credited"),
    ],
)
def test_labels_that_teach_nothing_stop_the_run(learn, value, message):
    def changed(one):
        return replace(one, labels=one.labels.assign(network_value=value(one.labels)))

    with pytest.raises(InputError, match=message):
        learn(changed)


def test_learning_says_what_it_is_doing(opened, examples, plan, monkeypatch, progress):
    monkeypatch.setattr(pipeline, "examples_at", lambda dataset, cutoff, *_: examples[cutoff])
    pipeline.fit_and_evaluate(*opened, "said")
    said = progress()
    count = len(plan.all)
    assert said[0] == f"cutoff {plan.all[0]:%Y-%m-%d} (1 of {count}): features and labels"
    end = f"{opened[1].end:%Y-%m-%d}"
    assert said[count] == f"features of all customers as of {end}"
    assert said[count + 1] == f"heads as of {end}: fitting on {len(plan.grid)} closed cutoffs"
    assert said[-4] == f"evaluating the model and the baselines at {len(plan.evaluation)} cutoffs"
    assert said[-3] == f"scoring all customers as of {end}"
    assert said[-2] == "placebos, the label under other settings, and negative controls"
    assert said[-1] == "customer values and quoted claims"


def test_credit_that_ended_long_ago_is_reported(opened, examples, plan, monkeypatch):
    dataset, checks = opened
    cutoffs = dataset.settings.cutoffs.model_copy(update={"evaluate": (plan.grid[3],)})
    earlier = replace(dataset, settings=dataset.settings.model_copy(update={"cutoffs": cutoffs}))
    ended = {
        cutoff: replace(one, labels=one.labels * (0.0 if cutoff > plan.grid[3] else 1.0))
        for cutoff, one in examples.items()
    }
    monkeypatch.setattr(pipeline, "examples_at", lambda dataset, cutoff, *_: ended[cutoff])
    with pytest.raises(InputError, match=r"latest closed windows.*interactions reach to the end"):
        pipeline.fit_and_evaluate(earlier, checks, "ended")


def test_a_history_that_is_too_short_is_an_error_before_any_work(opened, progress):
    dataset, checks = opened
    short = dataset.limited_to(checks.start + timedelta(days=200))
    with pytest.raises(InputError, match=r"Too little history.*210 days of data in all"):
        pipeline.fit_and_evaluate(short, checks, "short")
    assert progress() == []
