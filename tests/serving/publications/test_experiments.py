from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ripple.serving.errors import RequestError, StoreUnavailable
from ripple.serving.experiment_schemas import ExperimentResponse, ExperimentsResponse
from ripple.serving.publications.experiments import (
    FILE,
    SOURCE,
    Experiments,
    convert_experiments,
    parse,
    write_experiments,
)
from ripple.serving.publications.publication import PublicationError, load_publication
from ripple.serving.publications.redis_store import RedisStore
from ripple.serving.schemas import CustomerResponse
from ripple.serving.scorer import Scorer
from ripple.serving.store_poller import warmed_up_scorer
from tests.support.publication_content import ARMS, TESTED, TOLD


def _customer(scorer: Scorer, run: Any, customer_id: str) -> CustomerResponse:
    return CustomerResponse.model_validate_json(msgspec.json.encode(run(scorer.customer(customer_id, 0))))


def test_a_customer_has_the_arms_of_running_experiments(scorer: Scorer, run: Any) -> None:
    (arm,) = _customer(scorer, run, "c0003").experiments
    assert (arm.experiment, arm.play, arm.arm) == ("june", "rescue", "treatment")
    assert (arm.start, arm.end) == ("2026-06-01T00:00:00Z", "2026-09-29T00:00:00Z")
    assert [arm.arm for arm in _customer(scorer, run, "c0005").experiments] == ["holdout"]
    assert _customer(scorer, run, "c0004").experiments == []


def test_experiments_are_told_as_they_were_published(scorer: Scorer) -> None:
    listed = ExperimentsResponse.model_validate_json(msgspec.json.encode(scorer.experiments()))
    assert listed.experiments == TESTED
    for expected in TESTED:
        answer = msgspec.json.encode(scorer.experiment(expected.name))
        assert ExperimentResponse.model_validate_json(answer).experiment == expected
    with pytest.raises(RequestError) as error:
        scorer.experiment("jun")
    assert (error.value.status, error.value.code) == (404, "unknown_experiment")
    assert "Did you mean 'june'?" in error.value.body("r").decode()


def test_a_publication_of_an_earlier_version_has_none(run: Any) -> None:
    store = Path(__file__).parents[1] / "earlier_artifacts/store/publications"
    (folder,) = store.iterdir()
    scorer = warmed_up_scorer(load_publication(folder, folder.name))
    assert scorer.experiments()["experiments"] == []
    assert _customer(scorer, run, "c07").experiments == []
    with pytest.raises(RequestError) as error:
        scorer.experiment("june")
    assert error.value.code == "unknown_experiment"
    assert "ripple experiment design" in error.value.body("r").decode()


def test_what_was_changed_in_redis_is_not_answered(
    run: Any, redis_url: str, publication: Callable[..., Path]
) -> None:
    folder = publication(32, small=True)
    store = RedisStore(redis_url)
    store.publish(folder, folder.name)
    scorer = warmed_up_scorer(run(store.open(folder.name)))
    key, files = f"ripple:{folder.name}:arms", f"ripple:{folder.name}:files"
    run(store.client.hset(key, "c0003", run(store.client.hget(key, "c0005"))))
    with pytest.raises(StoreUnavailable, match="not as they were published"):
        run(scorer.customer("c0003", 0))
    run(store.client.delete(key))
    assert not run(scorer.customers.renew())
    # publishing again repairs it
    store.publish(folder, folder.name)
    assert [arm.arm for arm in _customer(scorer, run, "c0003").experiments] == ["treatment"]
    described = run(store.client.hget(files, FILE))
    assert b"61.5" in described
    run(store.client.hset(files, FILE, described.replace(b"61.5", b"91.5")))
    with pytest.raises(PublicationError, match="experiments are not as they were published"):
        run(store.open(folder.name))
    run(store.client.aclose())


def test_a_file_that_was_changed_is_not_taken(published: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(published, tmp_path / "copy")
    content = (copy / FILE).read_bytes()
    assert b"holdout" in content
    (copy / FILE).write_bytes(content.replace(b"holdout", b"treated"))
    with pytest.raises(PublicationError, match="not what was published"):
        load_publication(copy, published.name)


def test_what_is_no_experiment_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="plays"):
        write_experiments(tmp_path / SOURCE, [TOLD[0][0] | {"plays": None}], {})
    with pytest.raises(ValueError, match="arm"):
        write_experiments(tmp_path / SOURCE, [], {"c1": [TOLD[1]["c0003"][0] | {"arm": "other"}]})
    assert not (tmp_path / SOURCE).exists()


def test_customers_without_an_arm_take_no_room(tmp_path: Path) -> None:
    write_experiments(tmp_path / SOURCE, *TOLD)
    convert_experiments(tmp_path / FILE, tmp_path / SOURCE, [b"c0001", b"c0005", b"c0003"])
    tested = Experiments.load(tmp_path / FILE)
    assert [bool(tested.of_row(row)) for row in range(3)] == [False, True, True]
    assert parse(tested.of_row(1)) == [ARMS["c0005"][0].model_dump()]
    assert [one["name"] for one in parse(tested.described)] == ["a/b ü", "june"]
    assert parse(None) == parse(b"") == []
