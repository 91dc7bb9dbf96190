import numpy as np
import pandas as pd
import pytest

from ripple.training.evaluation import metrics
from ripple.training.evaluation.comparison import Incomparable, compare
from tests.support.synthetic_predictions import CUTOFFS, synthetic_predictions

SHARE, SEED = 0.02, 7


def test_who_misses_less_is_better_and_it_is_sure():
    comparison = compare(synthetic_predictions(0.2), synthetic_predictions(3.0), SHARE, SEED)
    assert comparison.capture > comparison.rival
    assert 0 < comparison.low <= comparison.difference <= comparison.high
    assert comparison.sure > 0.975
    assert comparison.customers == 300


def test_the_other_way_round_the_signs_turn():
    comparison, turned = (
        compare(one, other, SHARE, SEED)
        for one, other in [
            (synthetic_predictions(0.2), synthetic_predictions(3.0)),
            (synthetic_predictions(3.0), synthetic_predictions(0.2)),
        ]
    )
    assert turned.difference == -comparison.difference
    assert (turned.low, turned.high) == pytest.approx((-comparison.high, -comparison.low))
    assert turned.sure == pytest.approx(1 - comparison.sure)


def test_captures_are_those_of_the_metric_by_cutoff():
    own, rival = synthetic_predictions(1.0, seed=1), synthetic_predictions(1.0, seed=2)
    comparison = compare(own, rival, SHARE, SEED)
    assert [row["cutoff"] for row in comparison.cutoffs] == ["2025-01-06", "2025-03-07"]
    for row, cutoff in zip(comparison.cutoffs, CUTOFFS, strict=True):
        for name, table in (("capture", own), ("rival", rival)):
            rows = table[table["cutoff"] == cutoff]
            expected = metrics.capture(rows["predicted"].to_numpy(), rows["realised"].to_numpy(), SHARE)
            assert row[name] == pytest.approx(expected, rel=1e-12)
    assert comparison.low < 0 < comparison.high


def test_the_same_predictions_do_not_differ():
    comparison = compare(synthetic_predictions(1.0), synthetic_predictions(1.0), SHARE, SEED)
    assert (comparison.difference, comparison.low, comparison.high, comparison.sure) == (0, 0, 0, 0.5)


def test_neither_names_nor_a_common_factor_nor_other_cutoffs_matter():
    own, rival = synthetic_predictions(0.5), synthetic_predictions(1.5, seed=2)
    comparison = compare(own, rival, SHARE, SEED)
    names = {name: f"x{name[::-1]}" for name in own["customer_id"]}
    renamed = [table.assign(customer_id=table["customer_id"].map(names)) for table in (own, rival)]
    assert compare(*renamed, SHARE, SEED) == comparison
    assert compare(own, rival.assign(predicted=3 * rival["predicted"]), SHARE, SEED) == comparison
    later = (pd.Timestamp("2025-05-06"),)
    more = pd.concat([own, synthetic_predictions(0.1, cutoffs=later)], ignore_index=True)
    assert compare(more, rival, SHARE, SEED) == comparison


def test_no_cutoff_in_common_is_an_error_that_lists_those_of_both():
    later = synthetic_predictions(1.0, cutoffs=(pd.Timestamp("2025-05-06"),))
    with pytest.raises(Incomparable, match=r"no cutoff in common.*2025-05-06.*2025-01-06, 2025-03-07"):
        compare(later, synthetic_predictions(1.0), SHARE, SEED)


def test_other_customers_are_an_error():
    others = synthetic_predictions(1.0).assign(customer_id=lambda table: "x" + table["customer_id"])
    with pytest.raises(Incomparable, match="different customers: 0% of them are the same"):
        compare(synthetic_predictions(1.0), others, SHARE, SEED)


@pytest.mark.parametrize(("shared", "comparable"), [(149, False), (150, True)])
def test_half_of_the_customers_are_to_be_the_same(shared, comparable):
    own, rival = synthetic_predictions(0.5), synthetic_predictions(1.5, seed=2)
    number = rival["customer_id"].str[1:].astype(int)
    rival["customer_id"] = rival["customer_id"].where(number < shared, "x" + rival["customer_id"])
    if comparable:
        assert compare(own, rival, SHARE, SEED).customers == shared
    else:
        with pytest.raises(Incomparable, match="different customers: 50% of them are the same"):
            compare(own, rival, SHARE, SEED)


def test_other_realised_values_of_the_same_ids_are_an_error():
    elsewhere = synthetic_predictions(1.0)
    shuffled = np.random.default_rng(1).permutation(elsewhere["realised"])
    with pytest.raises(Incomparable, match="The realised values after the same cutoffs differ"):
        compare(synthetic_predictions(1.0), elsewhere.assign(realised=shuffled), SHARE, SEED)


def test_the_record_is_plain_data():
    record = compare(synthetic_predictions(0.2), synthetic_predictions(3.0), SHARE, SEED).record()
    assert record["difference"] == record["capture"] - record["rival"]
    assert set(record) == {
        *("cutoffs", "customers", "capture", "rival", "low", "high", "sure", "difference"),
    }
