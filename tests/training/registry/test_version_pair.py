import pytest

from ripple.errors import InputError
from ripple.training.registry import model_versions, recording, tracking
from ripple.training.registry.gate import Check, Decision
from ripple.training.registry.version_pair import NOT_SET, versions
from tests.support.runs.results import altered

PASSED = Decision("1", None, (Check("capture", True, 0.01, -0.05, "It captures as much."),))


@pytest.fixture
def client(copied_store):
    return tracking.connect(copied_store)


def test_two_versions_are_brought_together_whatever_their_order(client, result):
    lowered = result.population.features.assign(tenure_days=1.0)
    settings = result.settings.model_copy(update={"currency": "EUR"})
    other = altered(result, features=lowered, settings=settings, digests={})
    second = model_versions.register(client, recording.log(other, PASSED, "<html></html>", "# card"), PASSED)
    first = model_versions.find(client, "1")
    pair = versions(client, first, second)
    assert (pair.later.number, pair.earlier.number) == (second.number, "1")
    assert pair.later.features.equals(lowered)
    assert pair.earlier.scores.equals(result.population.scores)
    assert pair.comparison.difference == 0
    assert pair.parameters.loc["currency"].tolist() == ["EUR", "USD"]
    assert pair.parameters.loc["data.orders", "later"] == NOT_SET
    assert "horizon_days" not in pair.parameters.index
    assert pair.metrics.loc["customers"].tolist() == [len(lowered)] * 2
    assert versions(client, second, first).later.number == second.number
    assert model_versions.find(client, "newest") == second


def test_versions_evaluated_at_other_cutoffs_are_brought_together_all_the_same(client, result):
    later = result.evaluation.predictions.assign(
        cutoff=lambda table: table["cutoff"] + result.data.schedule.horizon
    )
    logged = recording.log(altered(result, predictions=later), PASSED, "<html></html>", "# card")
    pair = versions(client, model_versions.register(client, logged, PASSED), model_versions.find(client, "1"))
    assert pair.comparison is None
    assert "cannot be compared" in pair.why_not
    assert pair.changes.stayed == result.population.scores["top_member"].sum()


def test_a_version_is_not_brought_together_with_itself(client, trained):
    one = model_versions.find(client, "1")
    with pytest.raises(InputError, match="Both are version 1"):
        versions(client, one, one)
