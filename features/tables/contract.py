"""The input contract: the tables that Ripple reads, their columns and types, and which must be there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ColumnType = Literal["id", "text", "time", "number"]


@dataclass(frozen=True)
class Column:
    """One column of the contract; a `required` one must exist and hold no nulls.

    A `folded` one is compared in lower case and without the spaces around it.
    """

    name: str
    type: ColumnType
    required: bool = True
    folded: bool = False


@dataclass(frozen=True)
class TableContract:
    """One table of the contract.

    Attributes:
        name: its name.
        columns: its columns.
        time: the column with the time of its events, if its rows are events.
        customers: the columns that name a customer.
        attributes: whether further columns are kept as attributes; otherwise they are ignored.
    """

    name: str
    columns: tuple[Column, ...]
    time: str | None = None
    customers: tuple[str, ...] = ("customer_id",)
    attributes: bool = False

    @property
    def required(self) -> list[str]:
        """The names of the columns that must be there."""
        return [column.name for column in self.columns if column.required]


def _optional(name: str, type_: ColumnType) -> Column:
    return Column(name, type_, required=False)


CONTRACT: dict[str, TableContract] = {
    contract.name: contract
    for contract in (
        TableContract(
            "customers", (Column("customer_id", "id"), Column("joined_at", "time")), attributes=True
        ),
        TableContract(
            "orders",
            (
                Column("customer_id", "id"),
                Column("ordered_at", "time"),
                Column("product", "id"),
                Column("revenue", "number"),
                _optional("margin", "number"),
                _optional("order_id", "id"),
                _optional("line", "id"),
                _optional("known_at", "time"),
            ),
            time="ordered_at",
        ),
        TableContract(
            "usage",
            (
                Column("customer_id", "id"),
                Column("occurred_at", "time"),
                Column("feature", "id"),
                _optional("quantity", "number"),
                _optional("user_id", "text"),
                _optional("known_at", "time"),
            ),
            time="occurred_at",
        ),
        TableContract(
            "catalog",
            (Column("feature", "id"), Column("tier", "text"), _optional("released_at", "time")),
            customers=(),
        ),
        TableContract(
            "interactions",
            (
                Column("source_id", "id"),
                Column("target_id", "id"),
                Column("occurred_at", "time"),
                Column("kind", "text", folded=True),
                _optional("weight", "number"),
                _optional("known_at", "time"),
            ),
            time="occurred_at",
            customers=("source_id", "target_id"),
        ),
        TableContract(
            "feedback",
            (
                Column("customer_id", "id"),
                Column("occurred_at", "time"),
                Column("score", "number"),
                _optional("known_at", "time"),
            ),
            time="occurred_at",
        ),
    )
}

LOOKUPS: dict[str, TableContract] = {
    contract.name: contract
    for contract in (
        TableContract(
            "members",
            (Column("user_id", "id"), Column("customer_id", "id"), _optional("valid_from", "time")),
            customers=("user_id", "customer_id"),
        ),
        TableContract(
            "merges",
            (Column("old_id", "id"), Column("new_id", "id"), _optional("valid_from", "time")),
            customers=("old_id", "new_id"),
        ),
        TableContract(
            "rates",
            (Column("currency", "text"), Column("rate", "number"), _optional("valid_from", "time")),
            customers=(),
        ),
    )
}
"""The tables that others look up: the customer of a user, the account that another one became part of, and
what a currency was worth."""
ATTRIBUTES = TableContract(
    "attributes",
    (
        Column("customer_id", "id"),
        Column("name", "text"),
        Column("value", "text"),
        _optional("valid_from", "time"),
        _optional("known_at", "time"),
    ),
)
"""Attributes of customers that change; those that do not may be columns of customers."""
PLAYS_LOG = TableContract(
    "plays_log",
    (
        Column("customer_id", "id"),
        Column("play", "text"),
        Column("contacted_at", "time"),
        _optional("outcome", "text"),
    ),
    time="contacted_at",
)
"""Who was contacted for which play and when. No feature is made of it, and the data do not end with it."""
CONTRACTS = CONTRACT | LOOKUPS | {ATTRIBUTES.name: ATTRIBUTES, PLAYS_LOG.name: PLAYS_LOG}
"""All tables that a dataset may have."""
TIERS = ("core", "advanced")
EVENT_TABLES = tuple(name for name, contract in CONTRACT.items() if contract.time)
