"""The tables Ripple reads: their columns, types and which of them must be there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ColumnType = Literal["id", "text", "time", "number"]


@dataclass(frozen=True)
class Column:
    """One column of the contract; `required` means it must exist and hold no nulls."""

    name: str
    type: ColumnType
    required: bool = True


@dataclass(frozen=True)
class TableContract:
    """One table: its columns, the time of its events and the columns that name a customer."""

    name: str
    columns: tuple[Column, ...]
    time: str | None = None
    customers: tuple[str, ...] = ("customer_id",)
    attributes: bool = False
    """Whether further columns are kept as attributes (they are ignored elsewhere)."""

    @property
    def required(self) -> list[str]:
        """Names of the columns that must be there."""
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
                Column("kind", "text"),
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

TIERS = ("core", "advanced")
EVENT_TABLES = tuple(name for name, contract in CONTRACT.items() if contract.time)
