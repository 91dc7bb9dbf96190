import pytest

from ripple.errors import InputError
from ripple.training.registry import model_versions, recording, tracking
from ripple.training.registry.gate import Check, Decision
from tests.support.runs.results import altered

PASSED = Decision("1", None, (Check("capture", True, 0.01, -0.05, "It captures as much."),))
FAILED = Decision("1", None, (Check("capture", False, -0.2, -0.05, "It captures less."),))


@pytest.fixture
def client(copied_store):
    return tracking.connect(copied_store)


@pytest.fixture
def register(client):
    """Registers the first version's model again, as if the gate had decided that."""

    def another(decision):
        first = client.get_model_version("ripple", "1")
        registered = model_versions.register(
            client, recording.LoggedModel(first.source, first.run_id), decision
        )
        model_versions.set_challenger(client, registered)
        return registered

    return another


def test_the_first_version_that_passes_is_champion_and_no_challenger(client, trained):
    assert model_versions.find(client).number == trained.version == "1"
    with pytest.raises(InputError, match="No version 'challenger'"):
        model_versions.find(client, "challenger")
    tags = client.get_model_version("ripple", "1").tags
    assert tags["gate"] == "passed"
    assert tags["promoted"] == "by the gate"
    version = model_versions.find(client)
    assert model_versions.trained_until(client, version) == trained.result.population.as_of
    assert float(tags["gate.level"]) == pytest.approx(trained.decision.checks[1].value, rel=1e-3)


def test_a_version_that_does_not_pass_is_challenger_with_the_reason(client, register):
    version = register(FAILED)
    assert model_versions.find(client, "challenger") == version
    assert model_versions.find(client).number == "1"
    tags = client.get_model_version("ripple", version.number).tags
    assert tags["gate"] == "failed"
    assert tags["gate.reasons"] == "It captures less."
    assert tags["gate.capture"] == "-0.2"
    assert tags["gate.champion"] == "1"


def test_one_that_passed_may_be_promoted_without_a_reason(client, register):
    version = register(PASSED)
    assert model_versions.promote(client) == version
    assert model_versions.find(client) == model_versions.find(client, version.number) == version
    with pytest.raises(InputError, match="No version 'challenger'"):
        model_versions.find(client, "challenger")
    said = model_versions.status(client, version)
    assert said[0] == f"Version {version.number} is champion."
    assert said[1].startswith("It was promoted by hand on 20")
    assert said[1].endswith("in place of version 1.")


def test_going_back_to_a_former_champion_needs_a_reason_but_is_not_against_the_gate(client, register):
    model_versions.promote(client, register(PASSED).number)
    with pytest.raises(InputError, match=r"passed it against .*, but the champion now is version"):
        model_versions.promote(client, "1")
    model_versions.promote(client, "1", "the other ranks resellers first")
    said = model_versions.status(client, model_versions.find(client))
    assert said[0] == "Version 1 is champion."
    assert said[1].startswith("It was promoted by hand on 20")
    assert said[1].endswith("because: the other ranks resellers first.")


@pytest.mark.parametrize("because", ["", "  "])
def test_one_that_failed_needs_a_reason(client, register, because):
    version = register(FAILED)
    with pytest.raises(InputError, match=r"did not pass it: It captures less\..*--because"):
        model_versions.promote(client, version.number, because)
    assert model_versions.find(client).number == "1"


def test_a_forced_promotion_is_kept_with_its_reason(client, register):
    version = register(FAILED)
    assert model_versions.promote(client, version.number, "the label was wrong before") == version
    assert model_versions.find(client) == version
    tags = client.get_model_version("ripple", version.number).tags
    assert tags["promoted"] == "against the gate"
    assert tags["promoted.because"] == "the label was wrong before"
    assert tags["promoted.instead_of"] == "1"
    said = model_versions.status(client, version)
    assert said[1].startswith("It was promoted against the gate on ")
    assert said[1].endswith("in place of version 1, because: the label was wrong before.")
    assert said[2] == "Gate: failed. It captures less."


def test_the_overview_lists_the_newest_version_first(client, register, trained):
    failed, passed = register(FAILED), register(PASSED)
    model_versions.promote(client, passed.number)
    model_versions.set_challenger(client, failed)
    rows = model_versions.overview(client)
    assert [row["version"] for row in rows] == [passed.number, failed.number, "1"]
    assert [row["role"] for row in rows] == ["champion", "challenger", ""]
    assert [row["gate"] for row in rows] == ["passed", "failed", "passed"]
    assert {row["trained until"] for row in rows} == {f"{trained.result.population.as_of:%Y-%m-%d}"}
    assert {row["capture"] for row in rows} == {f"{trained.result.headline()['capture']:.2f}"}
    assert rows[0]["promoted"].startswith("by hand, 20")
    assert rows[1]["promoted"] == ""
    assert rows[2]["promoted"].startswith("by the gate, 20")


def test_a_version_evaluated_against_a_former_champion_needs_a_reason(client, register):
    stale = register(PASSED)
    model_versions.promote(client, register(PASSED).number)
    champion = model_versions.find(client).number
    with pytest.raises(
        InputError, match=f"passed it against version 1, but the champion now is version {champion}"
    ):
        model_versions.promote(client, stale.number)
    # so does the way back
    with pytest.raises(InputError, match=f"against no champion, but the champion now is version {champion}"):
        model_versions.promote(client, "1")
    model_versions.promote(client, "1", "version 2 was trained on a test system")
    assert model_versions.find(client).number == "1"


def test_the_champion_cannot_be_promoted(client):
    with pytest.raises(InputError, match="Version 1 is champion already"):
        model_versions.promote(client, "1", "twice")


@pytest.mark.parametrize("name", ["99", "challenger", "0"])
def test_an_unknown_version_is_an_error_that_lists_those_there_are(client, name):
    with pytest.raises(InputError, match=rf"No version '{name}' of the model: there are 1(, \d+)*\. "):
        model_versions.find(client, name)
    with pytest.raises(InputError, match="there are 1"):
        model_versions.promote(client, name)


def test_an_empty_registry_says_so(client):
    client.delete_registered_model("ripple")
    assert model_versions.champion(client) is None
    with pytest.raises(InputError, match=r"none is registered yet as ripple in .*mlflow\.db\. `ripple train"):
        model_versions.find(client)


def test_two_versions_are_compared_later_first(client, register, result):
    version = register(PASSED)
    comparison, own, rival = model_versions.compared(client, model_versions.find(client, "1"), version)
    assert (own, rival) == (f"ripple {version.number}", "ripple 1")
    assert comparison.difference == 0
    assert len(comparison.cutoffs) == len(result.evaluation.backtest.heads)
    with pytest.raises(InputError, match="Both are version 1"):
        model_versions.compared(client, model_versions.find(client, "1"), model_versions.find(client))


def test_versions_that_cannot_be_compared_are_an_error(client, register, result, tmp_path):
    later = result.evaluation.predictions.assign(
        cutoff=lambda table: table["cutoff"] + result.data.schedule.horizon
    )
    with_other_cutoffs = altered(result, predictions=later)
    logged = recording.log(with_other_cutoffs, PASSED, "<html></html>", "# card")
    version = model_versions.register(client, logged, PASSED)
    with pytest.raises(
        InputError, match=rf"Versions {version.number} and 1 cannot be compared.*no cutoff in"
    ):
        model_versions.compared(client, model_versions.find(client, "1"), version)


@pytest.fixture
def unsettled(client):
    """Registers the first version's model again, as a training does that is killed right after."""

    def another(decision):
        first = client.get_model_version("ripple", "1")
        return model_versions.register(client, recording.LoggedModel(first.source, first.run_id), decision)

    return another


def test_a_version_that_a_killed_training_left_gets_the_role_the_gate_decided_on(client, unsettled):
    failed = unsettled(FAILED)
    model_versions.settle(client, failed)
    assert model_versions.find(client, "challenger") == failed
    passed = unsettled(PASSED)
    model_versions.settle(client, passed)
    assert model_versions.find(client) == passed
    assert model_versions.status(client, passed)[1].startswith("It was promoted by the gate on ")
    model_versions.settle(client, passed)
    assert model_versions.find(client) == passed


def test_a_version_that_passed_against_an_earlier_champion_is_not_promoted_late(client, unsettled):
    early, late = unsettled(PASSED), unsettled(PASSED)
    model_versions.settle(client, late)
    model_versions.settle(client, early)
    assert model_versions.find(client) == late
    assert model_versions.role(client, early) == "neither champion nor challenger"


def test_a_version_that_somebody_has_replaced_stays_replaced(client, unsettled):
    version = unsettled(PASSED)
    model_versions.settle(client, version)
    model_versions.promote(client, "1", "it ranked resellers first")
    model_versions.settle(client, version)
    assert model_versions.find(client).number == "1"
