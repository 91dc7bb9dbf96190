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
    made = model_versions.register(recording.log(other, PASSED, "<html></html>", "# card"), PASSED)
    first = model_versions.find(client, "1")
    found = versions(client, first, made)
    assert (found.later.number, found.earlier.number) == (made.number, "1")
    assert found.later.features.equals(lowered)
    assert found.earlier.scores.equals(result.population.scores)
    assert found.comparison.difference == 0
    assert found.parameters.loc["currency"].tolist() == ["EUR", "USD"]
    assert found.parameters.loc["data.orders", "later"] == NOT_SET
    assert "horizon_days" not in found.parameters.index
    assert found.metrics.loc["customers"].tolist() == [len(lowered)] * 2
    assert versions(client, made, first).later.number == made.number
    assert model_versions.find(client, "newest") == made


def test_versions_that_were_judged_by_other_things_are_brought_together_all_the_same(client, result):
    later = result.evaluation.predictions.assign(
        cutoff=lambda found: found["cutoff"] + result.data.schedule.horizon
    )
    logged = recording.log(altered(result, predictions=later), PASSED, "<html></html>", "# card")
    found = versions(client, model_versions.register(logged, PASSED), model_versions.find(client, "1"))
    assert found.comparison is None
    assert "cannot be compared" in found.why_not
    assert found.changes.stayed == result.population.scores["top_member"].sum()


def test_a_version_is_not_brought_together_with_itself(client, trained):
    one = model_versions.find(client, "1")
    with pytest.raises(InputError, match="Both are version 1"):
        versions(client, one, one)
