from ripple.features.tables.contract import CONTRACT, EVENT_TABLES


def test_events_have_a_required_time_and_may_say_when_they_were_known():
    assert EVENT_TABLES == ("orders", "usage", "interactions", "feedback")
    for name in EVENT_TABLES:
        types = {column.name: column.type for column in CONTRACT[name].columns}
        assert types[CONTRACT[name].time] == types["known_at"] == "time"
        assert CONTRACT[name].time in CONTRACT[name].required
        assert "known_at" not in CONTRACT[name].required


def test_the_columns_that_name_customers_are_required_ids():
    for contract in CONTRACT.values():
        ids = {column.name for column in contract.columns if column.type == "id" and column.required}
        assert set(contract.customers) <= ids
    assert CONTRACT["interactions"].customers == ("source_id", "target_id")
    assert CONTRACT["catalog"].customers == ()


def test_only_customers_have_attributes():
    assert [name for name, contract in CONTRACT.items() if contract.attributes] == ["customers"]
