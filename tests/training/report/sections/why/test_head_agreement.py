import numpy as np

from ripple.training.evaluation.head_agreement import rank_agreement
from ripple.training.report.sections.why.explanation import Sampled, shares
from ripple.training.report.sections.why.head_agreement import head_agreement_section
from ripple.training.report.text import words
from ripple.training.result import TrainingResult
from tests.support.runs.rendered_page import numbers
from tests.support.runs.results import altered


def test_the_feature_whose_importance_differs_most_comes_first(result: TrainingResult) -> None:
    sample = Sampled.of(result)
    section = head_agreement_section(result, sample)
    value, top = shares(sample.value), shares(sample.top)
    first = int(np.abs(value - top).argmax())
    assert section["rows"][0][0] == sample.named(first)
    assert numbers(section["finding"]) == [
        words.decimal(rank_agreement(result.population.scores)),
        *(f"{100 * importance[first]:.1f}" for importance in (value, top)),
    ]


def test_customers_on_whom_the_models_disagree_are_listed(result: TrainingResult) -> None:
    best = result.population.scores["rank"].idxmin()
    scores = result.population.scores.copy()
    scores.loc[best, "top_probability"] = 0.0
    section = head_agreement_section(altered(result, scores=scores), Sampled.of(result))
    assert section["customers"][0][0] == best
    assert section["number"] >= 1


def test_equal_scores_have_no_correlation(result: TrainingResult) -> None:
    scores = result.population.scores.assign(top_probability=0.5)
    section = head_agreement_section(altered(result, scores=scores), Sampled.of(result))
    assert "Spearman" not in section["finding"]
