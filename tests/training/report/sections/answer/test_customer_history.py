from dataclasses import replace

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
    assert (referred.id, referred.how, referred.value) == ("c9998", "referral", "70.00\u00a0US$<")
    assert (influenced.id, influenced.how) == ("c9999", "25\u00a0%")
    assert (influenced.value, influenced.product) == ("30.00\u00a0US$<", "api")
    assert referred.adopted == "joined 1 September 2025"
    assert influenced.adopted == "2 October 2025"
    assert referred.contact == "referral on 30 August 2025"
    assert influenced.contact == "answer on 1 October 2025, the last of 4"
    assert history.more_links == 0
    (source,) = history.influencers
    assert source.id == listed_customers(result.population.scores).index[1]
    assert numbers(history.influencers_text)[0] == "12.00"
    assert history.graph.count("<path") == 3


def test_nothing_is_certain_to_be_because_of_somebody(result: TrainingResult) -> None:
    histories = result.insights.histories
    sure = replace(histories, influenced=histories.influenced.assign(probability=0.9999, referred=False))
    first = listed_customers(result.population.scores).index[0]
    history = customer_history(altered(result, histories=sure), first, FEATURES)
    assert {link.how for link in history.influenced} == {"over 99\u00a0%"}


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
