import ibis
import numpy as np
import pytest

from features.tables import Dataset, Tables
from training.backtest import Forecaster
from training.fairness import MOST, OTHER, fairness
from training.progress import silent


def test_every_slice_holds_everybody_once(evidence):
    for _, groups in evidence.fairness.groupby("slice"):
        assert groups["customers"].sum() == len(evidence.predictions)
        for share in ("share", "top_share", "true_top_share"):
            assert groups[share].sum() == pytest.approx(1)


def test_they_are_thirds_of_features_and_the_text_attributes(evidence):
    names = list(dict.fromkeys(evidence.fairness["slice"]))
    assert names == [
        *("days since joining", "own revenue", "customers in contact", "industry", "country", "plan"),
    ]
    thirds = evidence.fairness[evidence.fairness["slice"] == "days since joining"]
    assert thirds["share"].to_numpy() == pytest.approx(1 / 3, abs=0.02)


def test_numbers_are_those_of_the_group(evidence, opened):
    plans = opened[0].tables["customers"].to_pyarrow().to_pandas().set_index("customer_id")["plan"]
    found = evidence.predictions
    for row in evidence.fairness[evidence.fairness["slice"] == "plan"].to_dict("records"):
        own = found[(found["customer_id"].map(plans) == row["group"]).to_numpy()]
        assert row["customers"] == len(own)
        assert row["predicted_share"] == pytest.approx(own["predicted"].sum() / own["realised"].sum())
        assert row["coverage"] == pytest.approx(own["realised"].between(own["low"], own["high"]).mean())
        assert row["true_top_share"] == pytest.approx(own["at_top"].sum() / found["at_top"].sum())


def test_rare_values_count_together_and_missing_ones_apart(evidence, opened, examples, plan):
    dataset = opened[0]
    customers = dataset.tables["customers"].to_pyarrow().to_pandas()
    city = np.array([f"city {number % 30:02d}" for number in range(len(customers))], dtype=object)
    city[:40] = None
    tables = {"customers": ibis.memtable(customers[["customer_id", "joined_at"]].assign(city=city))}
    alone = Dataset("alone", "nowhere", dataset.settings, Tables(tables), {})
    forecaster = Forecaster(examples, plan, dataset.settings, silent)
    found = fairness(alone, forecaster, evidence.predictions)
    groups = found[found["slice"] == "city"]["group"].tolist()
    assert len(groups) == MOST + 1
    assert groups[-1] == OTHER
    assert "not given" in groups
