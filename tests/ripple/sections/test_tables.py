"""The mapping of tables in ripple.toml: what it may say, and how it is told that it may not."""

import re
from pathlib import Path

import pytest

from ripple.errors import InputError
from ripple.sections.tables import ColumnMapping
from ripple.settings import Settings, load
from tests.support.checkout import ROOT


def read(toml: str, tmp_path: Path) -> Settings:
    file = tmp_path / "ripple.toml"
    file.write_text(toml)
    return load(file)


def test_a_plain_text_is_a_column_and_a_plain_table_one_mapping(tmp_path):
    settings = read('[tables.orders]\nfrom = "sales"\n[tables.orders.columns]\nrevenue = "paid"', tmp_path)
    (mapping,) = settings.tables["orders"]
    assert (mapping.from_, mapping.columns) == ("sales", {"revenue": ColumnMapping(column="paid")})


def test_several_mappings_of_one_table_are_a_list(tmp_path):
    settings = read('[[tables.usage]]\nfrom = "a"\n[[tables.usage]]\nsql = "SELECT 1"', tmp_path)
    assert [(mapping.from_, mapping.sql) for mapping in settings.tables["usage"]] == [
        ("a", None),
        (None, "SELECT 1"),
    ]


def test_what_is_recorded_is_read_again(tmp_path):
    settings = read(
        """
        [tables.orders]
        from = "sales"
        where = "ok"
        [tables.orders.columns]
        revenue = { column = "paid", unit = "minor", currency = "money" }
        ordered_at = { column = "at", format = "epoch ms", zone = "Europe/Oslo" }
        """,
        tmp_path,
    )
    recorded = settings.model_dump(mode="json")
    assert recorded["tables"]["orders"][0]["from"] == "sales"
    assert Settings(**recorded).tables == settings.tables


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ('[tables.a]\nfrom = "x"\nsql = "SELECT 1"', "give one of from and sql, or neither for the table"),
        ('[tables.orders]\nfrm = "x"', "unknown key 'tables.orders.frm'; did you mean 'from'?"),
        ('[[tables.orders]]\nfrom = "x"\n[[tables.orders]]\nfrm = "x"', "unknown key 'tables.orders.1.frm'"),
        (
            '[tables.a]\nfrom = "x"\ncolumns = { b = {} }',
            "columns.b = {}: give exactly one of column,",
        ),
        ('[tables.a]\nfrom = "x"\ncolumns = { b = { valu = 1 } }', "columns.b.valu'; did you mean 'value'?"),
        (
            '[tables.a]\nfrom = "x"\ncolumns = { b = { column = "c", at = "d" } }',
            "give user or currency as well",
        ),
        (
            '[tables.a]\nfrom = "x"\ncolumns = { b = { column = "c", zone = "Oslo" } }',
            "is no time zone",
        ),
        ('[tables.a]\nfrom = "x"\ncolumns = { b = { column = "c", format = "ms" } }', "expected epoch s, "),
        ('[tables.a]\nfrom = "x"\ncolumns = { b = { column = "c", unit = "cent" } }', "unit = 'cent': "),
    ],
)
def test_what_a_mapping_may_not_say_is_told_with_its_place(toml, message, tmp_path):
    with pytest.raises(InputError) as raised:
        read(toml, tmp_path)
    assert message in str(raised.value)


def test_every_example_of_the_guide_is_a_mapping(tmp_path):
    guide = (ROOT / "docs" / "mapping.md").read_text(encoding="utf-8")
    examples = [read(toml, tmp_path) for toml in re.findall(r"```toml\n(.*?)```", guide, re.DOTALL)]
    assert set(examples[0].tables) == {"customers", "orders", "usage", "interactions", "rates"}
    assert any(example.ids.trim for example in examples)
