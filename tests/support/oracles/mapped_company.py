"""A company's own tables, what they are in the contract, and the mapping that leads from one to the other."""

from __future__ import annotations

from datetime import datetime

import pandas as pd

from ripple.settings import Settings
from tests.support.oracles import feature_frames
from tests.support.oracles.feature_frames import Frames

RATE = 0.5
"""Dollars for a crown."""

_MAPPED = {
    "customers": {
        "from": "companies",
        "columns": {
            "customer_id": "Company Id",
            "joined_at": {"column": "created", "format": "epoch s"},
            "industry": "sector",
        },
    },
    "orders": {
        "from": "payments",
        "where": "state <> 'failed'",
        "columns": {
            "customer_id": "buyer",
            "ordered_at": {"column": "at", "format": "%d/%m/%Y %H:%M:%S", "zone": "Europe/Oslo"},
            "product": "sku",
            "revenue": {
                "column": "cents",
                "unit": "cents",
                "currency": "money",
                "negative_if": "kind = 'refund'",
            },
        },
    },
    "usage": [
        {
            "from": "clicks",
            "columns": {
                "customer_id": {"user": "person"},
                "occurred_at": {"column": "ms", "format": "epoch ms"},
                "feature": "lower(screen)",
            },
        },
        {
            "from": "exports",
            "columns": {
                "customer_id": {"user": "person"},
                "occurred_at": {"column": "ms", "format": "epoch ms"},
                "feature": {"value": "export"},
            },
        },
    ],
    "interactions": {
        "sql": """
            SELECT buyer AS source_id, friend AS target_id, happened AS occurred_at, 'referral' AS kind
            FROM codes
            UNION ALL
            SELECT author, reader, happened, 'share' FROM documents
        """
    },
    "rates": {"columns": {"currency": "code", "valid_from": "day"}, "from": "exchange"},
}


def contract() -> Frames:
    """The tables as the contract has them."""
    frames = feature_frames.random()
    orders = frames["orders"][["customer_id", "ordered_at", "product", "revenue"]]
    orders = orders.assign(ordered_at=orders.ordered_at.dt.floor("s"), revenue=orders.revenue.round(0))
    usage = frames["usage"][["customer_id", "occurred_at", "feature"]]
    usage = usage.assign(occurred_at=usage.occurred_at.dt.floor("s"))
    exports = usage.iloc[:50].assign(feature="export")
    interactions = frames["interactions"]
    interactions = interactions[interactions.kind.isin(["referral", "share"])]
    return {
        "customers": frames["customers"][["customer_id", "joined_at", "industry"]],
        "orders": orders,
        "usage": pd.concat([usage, exports], ignore_index=True),
        "interactions": interactions[["source_id", "target_id", "occurred_at", "kind"]],
    }


def theirs(frames: Frames) -> Frames:
    """The same as the tables of a company, with its names, units and forms."""
    orders, usage, interactions = frames["orders"], frames["usage"], frames["interactions"]
    local = orders.ordered_at.dt.tz_localize("UTC").dt.tz_convert("Europe/Oslo")
    payments = pd.DataFrame(
        {
            "buyer": orders.customer_id,
            "at": local.dt.strftime("%d/%m/%Y %H:%M:%S"),
            "sku": orders["product"],
            # crowns, half a dollar each
            "cents": (orders.revenue.abs() / RATE * 100).astype("int64"),
            "money": ["nok"] * len(orders),
            "kind": ["refund" if revenue < 0 else "charge" for revenue in orders.revenue],
            "state": ["paid"] * len(orders),
            "internal note": ["x"] * len(orders),
        }
    )
    failed = payments.iloc[:7].assign(state="failed")

    def clicks(rows: pd.DataFrame) -> pd.DataFrame:
        return pd.DataFrame(
            {
                "person": "u" + rows.customer_id,
                "ms": (rows.occurred_at - datetime(1970, 1, 1)) // pd.Timedelta(milliseconds=1),
                "screen": rows.feature.str.upper(),
            }
        )

    is_export, is_referral = usage.feature == "export", interactions.kind == "referral"
    ids = frames["customers"].customer_id
    return {
        "companies": pd.DataFrame(
            {
                "Company Id": ids,
                "created": (frames["customers"].joined_at - datetime(1970, 1, 1)) // pd.Timedelta(seconds=1),
                "sector": frames["customers"].industry,
            }
        ),
        "payments": pd.concat([payments, failed], ignore_index=True),
        "clicks": clicks(usage[~is_export]),
        "exports": clicks(usage[is_export])[["person", "ms"]],
        "codes": interactions[is_referral].rename(
            columns={"source_id": "buyer", "target_id": "friend", "occurred_at": "happened"}
        )[["buyer", "friend", "happened"]],
        "documents": interactions[~is_referral].rename(
            columns={"source_id": "author", "target_id": "reader", "occurred_at": "happened"}
        )[["author", "reader", "happened"]],
        "members": pd.DataFrame({"user_id": "u" + ids, "customer_id": ids}),
        "exchange": pd.DataFrame(
            {
                "code": ["NOK", "NOK", "EUR"],
                "day": [datetime(2023, 1, 1), datetime(2030, 1, 1), datetime(2023, 1, 1)],
                "rate": [RATE, 9.0, 1.1],
            }
        ),
    }


SETTINGS = feature_frames.SETTINGS.model_copy(update={"tables": Settings(tables=_MAPPED).tables})
