"""A proposal is TOML that says how sure each line is."""

from __future__ import annotations

import re
import tomllib

import pandas as pd

from tests.support.oracles import feature_frames
from tests.support.proposals import DAYS, company, proposed


def test_each_line_says_how_sure_it_is(tmp_path) -> None:
    _, text = proposed(feature_frames.write(company(), tmp_path / "data"))
    tables = tomllib.loads(text)["tables"]
    assert set(tables) == {"customers", "orders", "usage", "interactions", "feedback", "members"}
    lines = [
        line for line in text.splitlines() if re.match(r"[a-z_]+ = .*", line) and not line.startswith("from")
    ]
    columns = [line for line in lines if "#" in line]
    assert len(columns) >= 12
    assert all(re.search(r"# (sure|likely|guess) \(\d+ %\): .+", line) for line in columns)


def test_names_that_need_it_are_quoted(tmp_path) -> None:
    frames = company()
    frames["accounts"] = frames["accounts"].rename(columns={"id": 'Account "Id"', "industry": "Größe \\ x"})
    settings, text = proposed(feature_frames.write(frames, tmp_path / "data"))
    columns = settings.tables["customers"][0].columns
    assert columns["customer_id"].column == 'Account "Id"'
    assert "Größe \\ x" in {mapping.column for mapping in columns.values()}
    assert tomllib.loads(text)


def test_parts_of_a_table_are_a_list(tmp_path) -> None:
    frames = company()
    frames["logins"] = pd.DataFrame({"account_id": frames["accounts"].id, "timestamp": DAYS})
    settings, text = proposed(feature_frames.write(frames, tmp_path / "data"))
    assert [part.from_ for part in settings.tables["usage"]] == ["events", "logins"]
    assert text.count("[[tables.usage]]") == 2


def test_line_breaks_in_values_do_not_end_a_comment(tmp_path) -> None:
    frames = company()
    frames["invoices"]["status"] = ["paid\nfrom = 1", "paid", "void"] * 40
    settings, text = proposed(feature_frames.write(frames, tmp_path / "data"))
    assert "keeps paid, paid from = 1" in text
    assert set(settings.tables["orders"][0].columns) == {"revenue"}
