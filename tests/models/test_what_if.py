"""Changes of one feature, compared with a search through every value that the data have."""

from __future__ import annotations

import numpy as np
import pytest

from ripple.models import Bundle, FeatureSpec
from ripple.models.value_checks import ValueChecks
from ripple.models.what_if import MAX_LEVELS, WhatIf, is_controllable, split_values
from tests.models.conftest import rows

CONTROLLABLE = [
    "days_since_last_use",
    "active_days_30d",
    "advanced_share_30d",
    "advanced_power_user",
    "referrals",
]


@pytest.fixture(scope="module")
def what_if(bundle: Bundle) -> WhatIf:
    return WhatIf(bundle, ValueChecks(bundle))


def test_controllable_is_what_customers_do(bundle: Bundle) -> None:
    assert [one.name for one in bundle.spec.features if is_controllable(one)] == CONTROLLABLE
    for name, family in (
        ("earliness", "sophistication"),
        ("recent_referral_revenue_30d", "referent"),
        ("buying_referrals_90d", "referent"),
        ("tenure_days", "direct value"),
        ("pagerank", "network"),
        ("was_referred", "susceptibility"),
        ("attribute_plan", "attributes"),
    ):
        assert not is_controllable(FeatureSpec(name, family, "number", ""))


def test_splits_are_those_of_the_dumped_trees(bundle: Bundle) -> None:
    splits: dict[int, set[float]] = {}

    def walk(node: dict[str, object]) -> None:
        if "split_feature" in node:
            splits.setdefault(int(str(node["split_feature"])), set()).add(float(str(node["threshold"])))
            walk(node["left_child"])  # type: ignore[arg-type]
            walk(node["right_child"])  # type: ignore[arg-type]

    for tree in bundle.value.dump_model()["tree_info"]:
        walk(tree["tree_structure"])
    found = split_values(bundle.value)
    assert len(found) == len(bundle.spec.features)
    for column, values in enumerate(found):
        # a dump writes fewer digits
        assert values == pytest.approx(sorted(splits.get(column, [])), rel=1e-9)


def test_a_change_is_the_best_of_all_values_that_training_saw(bundle: Bundle, what_if: WhatIf) -> None:
    data = rows(4000, 1)
    x = bundle.matrix(data)
    low, high = ValueChecks(bundle).seen.T
    for row in x[:25]:
        now = bundle.score_matrix(row[None])["network_value"][0]
        expected = {}
        for column, name in enumerate(bundle.spec.names):
            if name not in CONTROLLABLE:
                continue
            values = np.unique(x[:, column])
            values = values[(values >= low[column]) & (values <= high[column])]
            tried = np.tile(row, (len(values), 1))
            tried[:, column] = values
            best = bundle.score_matrix(tried)["network_value"].max()
            if best > now:
                expected[column] = best
        changes = what_if.changes(row, 10)
        assert {one.column: one.network_value for one in changes} == pytest.approx(expected, rel=1e-9)
        gains = [one.network_value for one in changes]
        assert gains == sorted(gains, reverse=True)
        assert what_if.changes(row, 2) == changes[:2]
        for change in changes:
            changed = row.copy()
            changed[change.column] = change.value
            assert bundle.score_matrix(changed[None])["network_value"][0] == change.network_value
            assert low[change.column] <= change.value <= high[change.column]


def test_what_is_counted_is_a_whole_number_and_a_flag_is_0_or_1(bundle: Bundle, what_if: WhatIf) -> None:
    for column, values in what_if.levels.items():
        name = bundle.spec.names[column]
        assert 0 < len(values) <= MAX_LEVELS
        assert np.all(np.diff(values) > 0)
        if name == "advanced_power_user":
            assert set(values) <= {0.0, 1.0}
        elif name != "advanced_share_30d":
            assert np.array_equal(values, np.round(values))
