"""Amounts of several currencies are not added up unless somebody says so."""

import pytest

KEY = "orders.currency: one currency"


@pytest.mark.parametrize("name", ["currency", "Currency_Code", "ccy"])
def test_several_currencies_are_refused_with_the_line_that_converts_them(frames, violations_of, form, name):
    frames["orders"][name] = ["USD", "EUR", "usd ", "NOK", "EUR"]
    [finding] = violations_of(frames, form).values()
    assert (finding.key, finding.count) == (f"orders.{name}: one currency", 3)
    assert "3 currencies would be added up as USD: EUR in 2, USD in 2, NOK in 1" in finding.remedy
    assert f'revenue = {{ column = "revenue", currency = "{name}" }}' in finding.remedy


def test_they_are_accepted_once_they_are_mapped(frames, checked):
    frames["orders"]["currency"] = ["USD", "EUR", "USD", "USD", "USD"]
    toml = """
        [tables.orders.columns]
        revenue = { column = "revenue", currency = "currency" }
        margin = { column = "margin", currency = "currency" }
        """
    assert {finding.key for finding in checked(frames, toml=toml)[1].violations} == {
        "orders.revenue: an amount with a rate to USD",
        "orders.margin: an amount with a rate to USD",
    }


def test_one_currency_is_accepted_and_another_than_that_of_the_settings_told(frames, checked):
    frames["orders"]["currency"] = "EUR"
    report = checked(frames)[1]
    assert report.violations == []
    assert any('set currency = "EUR"' in warning for warning in report.warnings)
    assert not any(
        "set currency" in warning for warning in checked(frames, toml="currency = 'EUR'")[1].warnings
    )
