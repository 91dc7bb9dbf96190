from ripple.training.insights.customer_histories import CustomerHistories, listed_customers
from ripple.training.report.sections.answer.customer_history import customer_history
from ripple.training.result import TrainingResult
from tests.support.runs.rendered_page import numbers
from tests.support.runs.results import altered

FEATURES = ["tenure_days", "total_revenue", "out_degree", "referrals"]


def test_rows_hold_credit_and_features_by_cutoff(result: TrainingResult) -> None:
    history = customer_history(result, listed_customers(result.population.scores).index[0], FEATURES)
    assert history.feature_names == ["tenure days", "total revenue", "out degree"]
    assert [row[1] for row in history.rows] == [
        "0\u00a0US$<",
        "100\u00a0US$<",
        "50.00\u00a0US$<",
        "20.00\u00a0US$<",
    ]
    assert {len(row) for row in history.rows} == {3 + len(history.feature_names)}
    assert numbers(history.credit_text) == ["3", "4", "180", "100", "20.00"]
    assert history.credit_plot.count("<rect") == 4


def test_influenced_customers_have_a_probability_and_a_value(result: TrainingResult) -> None:
    history = customer_history(result, listed_customers(result.population.scores).index[0], FEATURES)
    assert numbers(history.influenced_text)[0] == "100"
    assert numbers(history.influenced_text)[-2:] == ["1", "1"]
    referred, influenced = history.influenced
    assert referred.startswith("c9998, ")
    assert referred.endswith(": 70.00\u00a0US$<")
    assert influenced.startswith("c9999, 25\u00a0% ")
    assert influenced.endswith(": 30.00\u00a0US$<")
    assert history.more_influenced == 0


def test_without_credit_the_number_of_periods_is_left(result: TrainingResult) -> None:
    history = customer_history(result, listed_customers(result.population.scores).index[1], FEATURES)
    assert numbers(history.credit_text) == ["4", "180"]
    assert history.influenced == []


def test_newcomers_and_runs_without_histories_have_no_rows(result: TrainingResult) -> None:
    names = list(listed_customers(result.population.scores).index)
    assert customer_history(result, names[-1], FEATURES).rows == []
    none = customer_history(altered(result, histories=CustomerHistories()), names[0], FEATURES)
    assert none.rows == []
    assert none.credit_plot == ""
    assert numbers(none.credit_text + none.influenced_text) == []
