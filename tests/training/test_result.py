import json
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from ripple.training.evaluation.cutoff_evaluation import MODEL
from tests.support.runs.results import altered


def test_the_headline_agrees_with_scores_and_backtest(result):
    headline = result.headline()
    scores, backtest = result.population.scores, result.evaluation.backtest
    assert headline["customers"] == len(scores)
    assert headline["top_customers"] == scores["top_member"].sum()
    value = scores["network_value"]
    assert headline["top_value_share"] == pytest.approx(value[scores["top_member"]].sum() / value.sum())
    assert headline["capture"] == backtest.capture(MODEL)
    assert headline["best_baseline_capture"] == backtest.capture(backtest.best_baseline)
    assert (headline["lead"], headline["lead_low"], headline["lead_high"]) == backtest.lead
    known = backtest.heads[backtest.heads["predicted_share"].notna()]
    assert headline["coverage"] == pytest.approx(known["coverage"].mean())
    assert headline["predicted_share"] == pytest.approx(known["predicted_share"].median())


def test_the_total_is_that_of_the_scores_and_its_interval_is_by_all_closed_cutoffs(result, plan):
    total = result.population.total
    assert total.predicted == pytest.approx(result.population.scores["network_value"].sum())
    # those at which something had closed to learn from
    learnt = [cutoff for cutoff in plan.all if plan.training_for(cutoff)]
    assert [one.cutoff for one in total.closed] == learnt
    record = json.loads(json.dumps(result.record(), allow_nan=False))["total"]
    assert record["low"] == total.low < record["predicted"] < total.high
    assert len(record["closed"]) == len(learnt)


def test_credited_shares_are_of_all_revenue_that_of_newcomers_included(result, examples, opened, plan):
    latest = examples[plan.grid[-1]]
    orders = opened[0].tables["orders"].to_pyarrow().to_pandas()
    after = orders["ordered_at"] - latest.cutoff
    revenue = orders["revenue"][(after > timedelta(0)) & (after <= plan.horizon)].sum()
    assert revenue > latest.labels["direct_value"].sum()
    totals, headline = result.label.totals, result.headline()
    assert totals["revenue"] == pytest.approx(revenue)
    for part in ("network_value", "referral_value", "influence_value"):
        assert totals[part] == pytest.approx(latest.labels[part].sum())
    assert headline["referral_share"] == pytest.approx(totals["referral_value"] / revenue)
    assert headline["influence_share"] == pytest.approx(totals["influence_value"] / revenue)


def test_the_record_is_plain_data(result, plan):
    record = json.loads(json.dumps(result.record(), allow_nan=False))
    assert record["training_cutoffs"] == [cutoff.isoformat() for cutoff in plan.grid]
    assert record["settings"]["horizon_days"] == 60
    assert record["rows"] == result.data.checks.rows
    assert {row["ranking"] for row in record["rankings"]} >= {MODEL, "last label", "degree"}
    assert len(record["deciles"]) == 10
    assert {row["slice"] for row in record["slices"]} >= {"degree decile 10", "known in training"}


def test_the_record_holds_customer_values_and_claims(result):
    record = json.loads(json.dumps(result.record(), allow_nan=False))
    assert [claim["name"] for claim in record["claims"]] == [claim.name for claim in result.insights.claims]
    assert record["plays"] == result.insights.playbook.plays.to_dict("records")
    assert sum(row["customers"] for row in record["segments"]) == len(result.population.scores)
    assert record["direct_lead"] == list(result.insights.customer_value.direct.lead)
    assert {row["ranking"] for row in record["concentration"]} == {"network value", "spend", "both"}
    assert 0 <= record["counted_share"] <= 1
    label, recorded = result.insights.feature_adoptions, record["feature_adoptions"]
    assert (recorded["first_uses"], recorded["influenced"]) == (label.first_uses, label.influenced)
    most = [row["influenced_feature_adoptions"] for row in recorded["customers"]]
    assert 0 < len(most) <= 20
    assert most == sorted(most, reverse=True)
    assert altered(result, feature_adoptions=None).record()["feature_adoptions"] is None


def test_the_record_holds_the_agreement_of_the_heads_and_the_disagreements(result):
    scores = result.population.scores.copy()
    best = scores["network_value"].idxmax()
    scores.loc[best, "top_probability"] = 0.0
    record = json.loads(json.dumps(altered(result, scores=scores).record(), allow_nan=False))
    assert record["agreement"] > 0.3
    assert record["disagreements"][0]["customer_id"] == best
    assert record["disagreements"][0]["value_rank"] == 1


def test_what_is_undefined_is_null_in_the_record(result):
    heads = result.evaluation.backtest.heads.assign(coverage=np.nan, brier=np.nan)
    record = altered(result, backtest=replace(result.evaluation.backtest, heads=heads)).record()
    plain = json.loads(json.dumps(record, allow_nan=False))
    assert plain["headline"]["coverage"] is None
    assert plain["heads"][0]["brier"] is None


def test_the_record_holds_what_the_placebos_found(result):
    tested, record = result.label.robustness, json.loads(json.dumps(result.record(), allow_nan=False))
    robustness = record["robustness"]
    assert robustness["influence_found"] == tested.has_influence
    assert robustness["coincidence"] == tested.placebo_share
    assert record["headline"]["chance_share"] == result.label.chance_share
    assert robustness["placebos"]["shuffled times"]["share"] == tested.placebos["share"]["shuffled times"]
    assert set(robustness["sensitivity"]) == set(tested.sensitivity.index)
    assert tested.end - tested.start == result.data.schedule.horizon


def test_robustness_is_of_the_period_and_the_revenue_of_the_label(result, plan):
    tested, totals = result.label.robustness, result.label.totals
    assert tested.start == plan.grid[-1]
    assert tested.revenue == pytest.approx(totals["revenue"])
    assert tested.influence >= totals["influence_value"] - 0.01


def test_without_interactions_the_record_says_that_nothing_was_tested(result):
    untested = altered(result, robustness=None, totals=result.label.totals | {"influence_value": 0.0})
    record = untested.record()
    assert record["robustness"] is None
    assert record["headline"]["chance_share"] == 0.0
