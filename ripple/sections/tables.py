"""A company's own tables: ``[tables.X]`` of ripple.toml maps them to the contract, ``[checks]`` says how
they may differ from it."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import (
    BeforeValidator,
    Field,
    SerializerFunctionWrapHandler,
    field_validator,
    model_serializer,
    model_validator,
)

from ripple.sections.section import Section

Scalar = str | bool | int | float


class ColumnMapping(Section):
    """One column of the contract, made of a column or an SQL expression of theirs, or a fixed value."""

    column: str | None = Field(None, min_length=1, description="their column, or SQL over their columns")
    value: Scalar | None = Field(None, description="a fixed value, for a column that is not there")
    user: str | None = Field(
        None,
        min_length=1,
        description="as column, with a user; the customer is the account of the user",
    )
    format: str | None = Field(
        None,
        description="form of times: epoch s, epoch ms, epoch us, epoch ns, or as strptime has it: %d/%m/%Y",
    )
    zone: str | None = Field(None, description="zone of local times, such as Europe/Oslo; otherwise UTC")
    unit: Literal["cents", "minor", "micros"] | None = Field(
        None, description="unit of an amount: hundredths, the currency's smallest unit, or millionths"
    )
    currency: str | None = Field(
        None, description="their column or expression with the currency of an amount, for the table rates"
    )
    at: str | None = Field(
        None,
        min_length=1,
        description="their column or expression with the time whose account or rate counts, written as the "
        "time of the row; otherwise that time",
    )
    negative_if: str | None = Field(
        None, description="SQL condition under which an amount is negative, such as type = 'refund'"
    )
    decimal: Literal[".", ","] = Field(".", description="decimal mark of numbers in text")

    @model_serializer(mode="wrap")
    def _briefly(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without what is not given."""
        return _given(serialize(self))

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if sum(origin is not None for origin in (self.column, self.value, self.user)) != 1:
            raise ValueError("give exactly one of column, value and user")
        if self.at is not None and self.user is None and self.currency is None:
            raise ValueError("at says when an account or a rate is looked up: give user or currency as well")
        return self

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, zone: str | None) -> str | None:
        from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

        if zone is not None:
            try:
                ZoneInfo(zone)
            except (ZoneInfoNotFoundError, ValueError) as error:
                raise ValueError("is no time zone of the IANA database, such as Europe/Oslo") from error
        return zone

    @field_validator("format")
    @classmethod
    def _known_format(cls, form: str | None) -> str | None:
        if form is not None and form not in EPOCHS and "%" not in form:
            raise ValueError(f"expected {', '.join(EPOCHS)}, or a format of strptime such as %d/%m/%Y %H:%M")
        return form


EPOCHS = {"epoch s": 1, "epoch ms": 1_000, "epoch us": 1_000_000, "epoch ns": 1_000_000_000}
"""Forms of times that are numbers since 1970, and how many make a second."""


class TableMapping(Section):
    """One table of the contract, made of a table, view or files of theirs, or of an SQL query."""

    from_: str | None = Field(
        None,
        alias="from",
        min_length=1,
        description="their table, view, file or pattern of files; that of the same name if neither is given",
    )
    sql: str | None = Field(None, min_length=1, description="a query over all that is there")
    columns: dict[str, ColumnMapping] = Field({}, description="column of the contract ← theirs")
    encoding: str | None = Field(
        None, description="encoding of text files, such as cp1252; otherwise UTF-8, or UTF-16 with its mark"
    )
    where: str | None = Field(None, min_length=1, description="SQL condition that rows have to meet")
    unpivot: tuple[str, ...] = Field(
        (), description="columns (or patterns) that each become a row with its name and value"
    )

    @model_serializer(mode="wrap")
    def _briefly(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without what is not given."""
        return _given({name.rstrip("_"): value for name, value in serialize(self).items()})

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, encoding: str | None) -> str | None:
        if encoding is not None:
            try:
                "".encode(encoding)
            except LookupError as error:
                raise ValueError("is no encoding that Python knows, such as latin-1 or cp1252") from error
        return encoding

    @field_validator("columns", mode="before")
    @classmethod
    def _plain_names(cls, columns: Any) -> Any:
        """A plain text is a column or an expression."""
        if not isinstance(columns, dict):
            return columns
        return {
            name: {"column": given} if isinstance(given, str) else given for name, given in columns.items()
        }

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if self.from_ is not None and self.sql is not None:
            raise ValueError("give one of from and sql, or neither for the table of the same name")
        return self


def _given(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value not in (None, (), [], {})}


def _as_list(given: object) -> object:
    return [given] if isinstance(given, dict) else given


Mappings = Annotated[tuple[TableMapping, ...], BeforeValidator(_as_list)]
"""One or several mappings of a table, whose rows it has together: ``[tables.X]`` or ``[[tables.X]]``."""


class Ids(Section):
    """How ids of customers and users are made alike before they are compared."""

    trim: bool = Field(False, description="without the spaces around them")
    case: Literal["lower", "upper"] | None = Field(None, description="in lower or upper case")
    merges: Literal["later", "all"] = Field(
        "later",
        description="rows that a merge of accounts moves: those from then on, or all, of which earlier "
        "cutoffs then know",
    )


class Checks(Section):
    """What to do about rows that break a rule of the input contract."""

    set_aside: tuple[str, ...] = Field(
        (), description="rules, as 'table.column: rule', whose rows are set aside instead of refused"
    )
    drop_repeats: tuple[Literal["orders", "usage", "interactions", "feedback"], ...] = Field(
        (), description="tables of which rows that repeat another are set aside"
    )
    refunds: Literal["same product", "customer", "any"] = Field(
        "same product",
        description="what a refund has to follow: orders of the same product, or of the same customer, that "
        "paid as much, or nothing (any)",
    )
