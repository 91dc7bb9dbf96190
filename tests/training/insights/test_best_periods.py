from ripple.training.insights.best_periods import best_periods


def test_the_top_is_compared_with_its_best_closed_period(result, examples, plan):
    scores = result.population.scores
    members = scores[scores["top_member"]]["network_value"]
    expected = 0
    for name, value in members.items():
        past = [
            examples[cutoff].labels["network_value"].get(name)
            for cutoff in plan.grid
            if name in examples[cutoff].labels.index
        ]
        expected += bool(past) and value > max(past)
    assert result.insights.best_periods.expected == expected
    assert result.insights.best_periods.customers <= len(members)


def test_past_forecasts_are_compared_with_what_had_closed_by_then(result, examples, plan):
    predictions = result.evaluation.predictions
    exceeded = count = 0
    predicted = realised = 0.0
    for cutoff in plan.evaluation:
        rows = predictions[predictions["cutoff"] == cutoff].sort_values(
            "predicted", ascending=False, kind="stable"
        )
        for row in rows.head(int(rows["at_top"].sum())).to_dict("records"):
            closed = [
                examples[earlier].labels["network_value"].get(row["customer_id"])
                for earlier in plan.grid
                if earlier + plan.horizon <= cutoff
            ]
            past = [value for value in closed if value is not None]
            if past and row["predicted"] > max(past):
                count, exceeded = count + 1, exceeded + (row["realised"] > max(past))
                predicted, realised = predicted + row["predicted"], realised + row["realised"]
    best = result.insights.best_periods
    assert (best.past_expected, best.past_exceeded) == (count, exceeded)
    assert (round(best.past_predicted, 4), round(best.past_realised, 4)) == (
        round(predicted, 4),
        round(realised, 4),
    )


def test_nobody_is_compared_without_a_past(result, plan):
    nothing = best_periods(
        {}, plan, result.evaluation.predictions.head(0), result.population.scores, plan.grid[0], 0.01
    )
    assert (nothing.customers, nothing.expected, nothing.past_expected) == (0, 0, 0)
    assert nothing.past_ratio != nothing.past_ratio
