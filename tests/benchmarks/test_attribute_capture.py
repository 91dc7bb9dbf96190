"""The benchmark of attributes: what its world and its tables hold."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from benchmarks import attribute_capture
from benchmarks.attribute_capture import MEASURES, PARTNERS, VARIANTS, WRONG
from ripple.simulation.world.columns import customer_ids
from ripple.training.examples.feature_sequence import Rows
from tests.support import synthetic_examples


def test_the_role_tells_partners_but_for_a_share_and_the_colour_nothing() -> None:
    partner = np.arange(20_000) % 10 == 0
    ids = customer_ids(np.arange(len(partner))).to_pylist()
    customers = pd.DataFrame({"customer_id": ids, "joined_at": pd.Timestamp("2024-01-01")}).iloc[::-1]
    table = attribute_capture.attributes(customers, partner, 3).set_index("customer_id").loc[ids]
    shown = (table["role"] == "partner").to_numpy()
    assert shown[partner].mean() == pytest.approx(1 - WRONG + WRONG * PARTNERS, abs=0.03)
    assert shown[~partner].mean() == pytest.approx(WRONG * PARTNERS, abs=0.01)
    shares = pd.crosstab(table["colour"], partner, normalize="columns")
    assert shares[True].to_numpy() == pytest.approx(shares[False].to_numpy(), abs=0.03)


def test_only_the_named_attributes_stay() -> None:
    one = synthetic_examples.examples(customers=30)
    columns = pd.DataFrame({"attribute_role": 1.0, "attribute_colour": 2.0}, index=one.rows.index)
    wide = replace(one, rows=Rows.of(one.features.join(columns)))
    for names in VARIANTS.values():
        kept = attribute_capture._only(wide, names).rows.names
        assert kept == [*one.rows.names, *(f"attribute_{name}" for name in names)]


def test_differences_are_those_of_worlds_with_their_standard_error() -> None:
    added = {"no attribute": 0.0, "role": 0.1, "colour": 0.0}
    rows = pd.DataFrame(
        {"variant": variant, "seed": seed} | dict.fromkeys(MEASURES, 0.5 + plus * seed)
        for variant, plus in added.items()
        for seed in (1, 3)
    )
    _, *lines = attribute_capture.summary(rows).splitlines()
    assert [line.split()[-1] for line in lines] == ["0.000)", "0.100)", "0.000)"]
    assert "0.700 (+0.200" in lines[1]
