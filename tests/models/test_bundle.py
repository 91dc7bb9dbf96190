import ast
import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ripple import models
from ripple.models import Bundle, FeatureMismatch, Interval, Spec
from ripple.models.bundle import HEADS, RANGE_HEADS, RANGE_SCORES, SCORES, Category

numbers = st.one_of(st.floats(-1e9, 1e9), st.just(np.nan), st.sampled_from([0.0, -0.0, 1e300, np.inf]))


def same(left, right):
    pd.testing.assert_frame_equal(left, right, check_exact=True)


@pytest.fixture
def folder(bundle, tmp_path):
    bundle.save(tmp_path)
    return tmp_path


def test_a_bundle_is_readable_files(folder):
    boosters = {f"{name}.txt" for name in (*HEADS, *RANGE_HEADS)}
    assert {file.name for file in folder.iterdir()} == {*boosters, "bundle.json"}
    assert json.loads((folder / "bundle.json").read_text(encoding="utf-8"))["currency"] == "EUR"
    assert (folder / "value.txt").read_text(encoding="utf-8").startswith("tree\n")


def test_saved_and_loaded_it_scores_the_same_bits(bundle, folder, features):
    loaded = Bundle.load(folder)
    same(loaded.score(features), bundle.score(features))
    assert loaded.spec == bundle.spec
    x = bundle.matrix(features)
    for head in ("value", "top"):
        for left, right in zip(loaded.contributions(head, x), bundle.contributions(head, x), strict=True):
            assert np.array_equal(left, right)


def test_saved_again_it_is_the_same_bytes(folder, tmp_path_factory):
    again = tmp_path_factory.mktemp("again")
    loaded = Bundle.load(folder)
    loaded.save(again)
    Bundle.load(again).save(again)
    twice = {file.name: file.read_bytes() for file in again.iterdir()}
    loaded.save(folder)
    assert twice == {file.name: file.read_bytes() for file in folder.iterdir()}


def test_a_bundle_without_ranges_is_saved_loaded_and_scored(earlier_bundle, bundle, features, tmp_path):
    earlier_bundle.save(tmp_path)
    assert {file.name for file in tmp_path.iterdir()} == {"value.txt", "top.txt", "bundle.json"}
    scores = Bundle.load(tmp_path).score(features)
    assert tuple(scores.columns) == SCORES
    same(
        scores[["network_value", "top_probability"]],
        bundle.score(features)[["network_value", "top_probability"]],
    )
    assert earlier_bundle.spec.coverage == bundle.spec.coverage == 0.8


def test_a_spec_survives_json(bundle, earlier_bundle):
    without_bands = replace(earlier_bundle.spec, interval=Interval(0.8, (), (0.0,), (2.0,)))
    for spec in (bundle.spec, earlier_bundle.spec, without_bands):
        assert Spec.from_json(json.loads(json.dumps(asdict(spec)))) == spec


def test_one_band_holds_every_value(earlier_bundle, features):
    wide = replace(
        earlier_bundle, spec=replace(earlier_bundle.spec, interval=Interval(0.8, (), (0.5,), (2.0,)))
    )
    scores = wide.score(features)
    assert (scores["network_value_high"] == 2 * scores["network_value"]).all()


def test_boosters_and_spec_that_differ_are_refused(folder):
    spec = json.loads((folder / "bundle.json").read_text(encoding="utf-8"))
    spec["features"].reverse()
    (folder / "bundle.json").write_text(json.dumps(spec), encoding="utf-8")
    with pytest.raises(FeatureMismatch, match="different features"):
        Bundle.load(folder)


def test_scores_are_named_and_keep_the_index(bundle, features):
    scores = bundle.score(features)
    assert tuple(scores.columns) == SCORES + RANGE_SCORES == bundle.score_names
    assert scores.index.equals(features.index)
    assert (scores["network_value"] > 0).all()
    assert scores["top_probability"].between(0, 1).all()
    assert bundle.score(features.iloc[:0]).shape == (0, len(bundle.score_names))


def test_scores_are_the_boosters_calibrated(bundle, features):
    scores, x = bundle.score(features), features.to_numpy()
    value = bundle.spec.level * bundle.value.predict(x)
    assert scores["network_value"].to_numpy() == pytest.approx(value, rel=1e-12)
    log_odds = bundle.spec.slope * bundle.top.predict(x, raw_score=True) + bundle.spec.intercept
    assert scores["top_probability"].to_numpy() == pytest.approx(1 / (1 + np.exp(-log_odds)), rel=1e-12)


def test_the_interval_is_that_of_the_band_of_the_value():
    low, high = Interval(0.8, (50.0, 200.0), (0.0, 0.4, 0.6), (3.0, 2.2, 1.7)).bounds(
        np.array([10.0, 49.9, 50.0, 100.0, 200.0, 1000.0])
    )
    assert low == pytest.approx([0, 0, 20, 40, 120, 600])
    assert high == pytest.approx([30, 149.7, 110, 220, 340, 1700])


@pytest.mark.parametrize("count", [1, 2, 7, 255, 256, 500])
def test_one_row_scores_as_it_does_among_others(bundle, features, count):
    batch = bundle.score(features.iloc[:count])
    single = pd.concat([bundle.score(features.iloc[[row]]) for row in range(count)])
    same(batch, single)


def test_the_order_of_rows_and_columns_changes_no_score(bundle, features):
    expected = bundle.score(features)
    shuffled = features.sample(frac=1, random_state=1).sample(frac=1, axis=1, random_state=2)
    same(bundle.score(shuffled).loc[features.index], expected)
    same(bundle.score(features.assign(owner="somebody", later=1.0)), expected)


@hypothesis_settings(max_examples=100)
@given(arrays(np.float64, (3, 7), elements=numbers))
def test_contributions_add_up_to_the_scores(bundle, x):
    scores = bundle.score_matrix(x)
    values, base = bundle.contributions("value", x)
    assert base + values.sum(axis=1) == pytest.approx(np.log(scores["network_value"]), abs=1e-9)
    values, base = bundle.contributions("top", x)
    log_odds = np.log(scores["top_probability"] / (1 - scores["top_probability"]))
    assert base + values.sum(axis=1) == pytest.approx(log_odds, abs=1e-9)


def test_contributions_add_up_over_many_rows(bundle, features):
    x = bundle.matrix(features)
    for head, raw in zip(("value", "top"), bundle.log_scores(x), strict=True):
        values, base = bundle.contributions(head, x)
        assert values.shape == x.shape
        assert np.ptp(base) == 0
        raw += np.log(bundle.spec.level) if head == "value" else 0
        assert base + values.sum(axis=1) == pytest.approx(raw, abs=1e-9)


@pytest.mark.parametrize("tables", [True, False])
def test_both_heads_at_once_are_each_head(bundle, features, tables, monkeypatch):
    x = bundle.matrix(features)
    fresh = replace(bundle)
    if not tables:  # as where trees are too large for them
        monkeypatch.setattr("ripple.models.tree_shap.MAX_SPLITS", 0)
        assert fresh._joint_tables is None
    values, base = fresh.both_contributions(x)
    for index, head in enumerate(HEADS):
        values_alone, base_alone = fresh.contributions(head, x)
        np.testing.assert_array_equal(values[:, index], values_alone)
        np.testing.assert_allclose(base[:, index], base_alone, rtol=0, atol=1e-12)


def test_a_missing_feature_is_named_with_the_nearest_given(bundle, features):
    misspelt = features.rename(columns={"referrals": "referals"})
    with pytest.raises(FeatureMismatch, match=r"'referrals' is missing \(found 'referals'\)"):
        bundle.score(misspelt)
    with pytest.raises(FeatureMismatch, match="'past_network_value' is missing;"):
        bundle.score(features[["days_since_last_use"]].assign(**dict.fromkeys(bundle.spec.names[:-1], 0.0)))


@pytest.mark.parametrize("wrong", ["many", object(), pd.Timestamp("2025-01-01"), [1.0, 2.0]])
def test_a_feature_that_is_no_number_is_named(bundle, features, wrong):
    mixed = features.astype({"referrals": object, "days_since_last_use": object})
    mixed["referrals"] = [wrong, *mixed["referrals"].iloc[1:]]
    with pytest.raises(FeatureMismatch, match="Feature 'referrals' is not a number"):
        bundle.score(mixed)


def test_features_may_have_any_numeric_type(bundle, features):
    plain = features.fillna(2.0).round()
    expected = bundle.score(plain)
    same(bundle.score(plain.astype("int64")), expected)
    same(bundle.score(plain.astype(object)), expected)
    flag = plain.assign(advanced_power_user=plain["advanced_power_user"] > 1)
    same(bundle.score(flag), bundle.score(flag.astype("float64")))
    nothing = features.assign(best_referral=None)
    same(bundle.score(nothing), bundle.score(features.assign(best_referral=np.nan)))
    same(bundle.score(features.astype("Float64")), bundle.score(features))


def test_models_import_no_other_part_of_ripple():
    """A model that is served needs neither the pipeline that made it nor MLflow nor shap."""
    for file in Path(models.__file__).parent.glob("*.py"):
        imported = set()
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                imported.add(node.module.split(".")[0])
        upper = {"features", "training", "serving", "simulation", "ripple"}
        assert not imported & {"shap", "pickle", *upper}, file
        assert "mlflow" not in imported or file.name == "mlflow_model.py", file


CATEGORY = Category("referrals", "plan", (("pro", 1.25), ("free", 0.75), ("trial", 0.75)), 0.5)


def test_a_bundle_with_categories_is_saved_and_loaded_and_one_without_keeps_its_bytes(bundle, tmp_path):
    bundle.save(tmp_path)
    assert "categories" not in json.loads((tmp_path / "bundle.json").read_text(encoding="utf-8"))
    spec = replace(bundle.spec, categories=(CATEGORY,))
    replace(bundle, spec=spec).save(tmp_path)
    assert Bundle.load(tmp_path).spec == spec


def test_levels_have_the_values_of_the_bundle(bundle, features):
    with_category = replace(bundle, spec=replace(bundle.spec, categories=(CATEGORY,)))
    rows = features.iloc[:4]
    attributes = pd.DataFrame({"plan": ["free", "new", None, "pro"]}, index=rows.index)
    encoded = with_category.encode(rows, attributes.iloc[::-1])
    np.testing.assert_array_equal(encoded["referrals"], [0.75, 0.5, np.nan, 1.25])
    same(encoded.drop(columns="referrals"), rows.drop(columns="referrals"))
    assert with_category.encode(rows, attributes[[]])["referrals"].isna().all()
    same(bundle.encode(rows, attributes), rows)
    assert CATEGORY.unknown(attributes["plan"]).to_dict() == {"new": 1}
