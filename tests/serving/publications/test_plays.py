from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ripple.serving.errors import StoreUnavailable
from ripple.serving.publications.plays import (
    FILE,
    SOURCE,
    Plays,
    PlayTotal,
    convert_plays,
    packed_index,
    read_index,
)
from ripple.serving.publications.redis_store import RedisStore

AS_OF = "2025-12-31T00:00:00"
IDS = [b"c0005", b"c0003", b"c0001", b"c0004", b"c0002"]


@pytest.fixture
def file(source: Path, tmp_path: Path) -> Path:
    convert_plays(tmp_path / FILE, source / SOURCE, IDS, AS_OF)
    return tmp_path / FILE


def test_the_list_keeps_its_order_without_those_who_are_gone(file: Path) -> None:
    plays = Plays.load(file)
    index = plays.index
    assert list(index.ids) == [b"c0003", b"c0005", b"c0004", b"c0001"]
    assert index.as_of == AS_OF
    assert index.totals == (
        PlayTotal("rescue", "call them", 2),
        PlayTotal("connect", "invite them, and wait", 2),
    )
    assert [index.row_of(f"c000{number}") for number in range(1, 6)] == [3, None, 0, 2, 1]
    assert index.row_of("") is index.row_of("zzz") is None


def test_what_is_not_known_is_null_and_a_name_is_a_text(file: Path) -> None:
    first, second, third, _ = (msgspec.json.decode(text) for text in Plays.load(file).of_rows(range(4)))
    assert first == {
        "customer_id": "c0003",
        "display_name": "Ann",
        "owner": "mia",
        "play": "rescue",
        "action": "call them",
        "reasons": "unhappy; reach is 4",
        "value": 90.5,
        "value_low": 10.0,
        "value_high": 200.0,
        "network_value": 60.5,
        "direct_value": 30.0,
        "max_cost": 4.5,
    }
    assert (second["display_name"], second["max_cost"]) == ("NA", None)
    assert (third["owner"], third["reasons"]) == (None, "")


@pytest.mark.parametrize(
    ("play", "owner", "rows"),
    [
        (None, None, [0, 1, 2, 3]),
        ("rescue", None, [0, 1]),
        (None, "mia", [0, 3]),
        ("connect", "mia", [3]),
        ("rescue", "nobody", []),
        ("", None, []),
        (None, "", []),
    ],
)
def test_a_play_and_an_owner_are_selected(
    play: str | None, owner: str | None, rows: list[int], file: Path
) -> None:
    assert Plays.load(file).index.rows(play, owner).tolist() == rows
    assert read_index(packed_index(file)).rows(play, owner).tolist() == rows


def test_a_list_without_attributes_or_customers_is_empty(tmp_path: Path) -> None:
    header = (
        "customer_id,play,action,reasons,value,value_low,value_high,network_value,direct_value,max_cost\n"
    )
    (tmp_path / SOURCE).write_text(header + "c0003,rescue,call,x,1,0,2,1,0,\n", encoding="utf-8")
    convert_plays(tmp_path / "one.arrow", tmp_path / SOURCE, IDS, AS_OF)
    (text,) = Plays.load(tmp_path / "one.arrow").of_rows([0])
    assert msgspec.json.decode(text)["owner"] is None
    convert_plays(tmp_path / "none.arrow", tmp_path / SOURCE, [b"c0009"], AS_OF)
    nobody = Plays.load(tmp_path / "none.arrow").index
    assert (nobody.totals, nobody.rows("rescue", "mia").tolist(), nobody.row_of("c0003")) == ((), [], None)
    assert len(read_index(packed_index(tmp_path / "none.arrow")).ids) == 0


def test_plays_that_were_changed_in_redis_are_not_answered(
    run: Any, empty_redis: str, publication: Callable[..., Path]
) -> None:
    folder = publication(41, small=True)
    store = RedisStore(empty_redis)
    store.publish(folder, folder.name)
    customers = run(store.open(folder.name)).customers
    (text,) = run(customers.play_texts([0]))
    assert msgspec.json.decode(text)["customer_id"] == "c0003"
    key = f"ripple:{folder.name}:plays"
    run(store.client.hset(key, "c0003", run(store.client.hget(key, "c0005"))))
    with pytest.raises(StoreUnavailable, match="not as they were published"):
        run(customers.play_texts([0]))
    run(store.client.hdel(key, "c0003"))
    with pytest.raises(StoreUnavailable, match="not as they were published"):
        run(customers.play_texts([0]))
    # publishing again mends it
    store.publish(folder, folder.name)
    assert run(customers.play_texts([0])) == [text]
    run(store.client.delete(key))
    with pytest.raises(StoreUnavailable, match="no longer holds"):
        run(customers.play_texts([0]))
    assert not run(customers.renew())
    run(store.client.aclose())
