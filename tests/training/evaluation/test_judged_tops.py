"""Past lists, judged by what their customers brought, on a made-up run."""

from __future__ import annotations

import numpy as np
import pytest

from ripple.training.evaluation.judged_tops import judged_tops
from tests.support.runs.made_up_run import made_up_result


def test_each_list_is_judged_by_what_its_customers_brought() -> None:
    result = made_up_result()
    judged = result.judged_tops
    predictions = result.evaluation.predictions
    assert [one.cutoff for one in judged] == sorted(predictions["cutoff"].unique())
    for one in judged:
        at = predictions[predictions["cutoff"] == one.cutoff].reset_index(drop=True)
        top = at.nlargest(20, "predicted")
        assert one.customers == 20
        assert one.right == top["at_top"].sum()
        assert one.share == pytest.approx(top["realised"].sum() / at["realised"].sum())
        assert one.ratio == pytest.approx(top["predicted"].sum() / top["realised"].sum())
        assert one.coverage == pytest.approx((top["realised"] <= top["high"]).mean())
        assert one.median_realised == np.median(top["realised"])
        best = at.loc[at["at_top"], "realised"].sum() / at["realised"].sum()
        captures = result.evaluation.backtest.rankings
        rule = captures[
            (captures["ranking"] == "last label") & (captures["cutoff"] == f"{one.cutoff:%Y-%m-%d}")
        ]
        assert one.rule_share == pytest.approx(rule["capture"].iloc[0] * best)


def test_nothing_is_judged_where_nothing_was_predicted() -> None:
    result = made_up_result()
    none = result.evaluation.predictions.iloc[:0]
    assert judged_tops(none, result.evaluation.backtest, result.settings.top_share) == []
