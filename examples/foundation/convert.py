"""Turn the Foundation extract (an invite tree of an auction platform, 2021) into a Ripple dataset.

    python -m examples.foundation.convert SOURCE OUT

SOURCE holds users.csv, listings.csv, bids.csv and sales.csv; OUT becomes customers, orders, usage, catalog
and interactions as Parquet, with a ripple.toml. The decisions, table by table:

customers     Everybody in users.csv with any dated action. They join at their first dated action:
              mint, list, bid, sell or buy. Joining by invitation has no date of its own in the extract.
orders        A sale is an order *of its seller*: the platform earns from what its creators sell, and network
              value here is the sales of those whom a customer invited. Revenue is the gross price in USD at
              that day's rate. The product is the auctioned token, so no two customers share a product and no
              influence between adopters can be credited: the referral term is the whole label.
usage         Minting, listing, selling and bidding are what one can do on the platform, each counted when it
              happened.
catalog       bid is core, for anybody can; mint, list and sell are advanced: creators do them.
interactions  referral: inviter → invitee, at the invitee's first listing, the first moment at which the link
              is public; blank and unresolved inviters give no row. bid: bidder → seller (referent): being bid
              on is being endorsed. purchase: buyer → seller (referent), likewise, and rarer.
feedback      Nothing in the extract says how content anybody was, so the table is absent.

Settings: a 15-day horizon, because the market doubles in weeks and the extract ends on 2021-04-30; three
evaluation cutoffs; the top 5 % of customers; labels winsorised at the 95th percentile of positive values,
because one sale of $5.4 M would decide every total; random thresholds in the trees, because the first
evaluation cutoff has no more than three weeks of closed windows to learn from.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import duckdb

from examples.command_line import run
from ripple import atomic

SETTINGS = """\
# Foundation auctions, 2021-01-20 to 2021-04-30
currency = "USD"
until = 2021-05-01
horizon_days = 15
top_share = 0.05

[cutoffs]
step_days = 3
history_days = 14
evaluate = [2021-03-15, 2021-04-01, 2021-04-15]

[features]
windows_days = [7, 15, 30]
half_life_days = 15

[model]
winsorise = 0.95
extra_trees = true

[kinds]
bid = "referent"
purchase = "referent"
"""

STAMP = "make_timestamp({0} * 1000000)"

QUERIES = {
    "customers": f"""
        SELECT user_id AS customer_id, {STAMP.format("min(ts)")} AS joined_at
        FROM (
            SELECT user_id, unnest([first_listing_ts, first_mint_ts, first_bid_ts]) AS ts FROM users
            UNION ALL SELECT seller_id, least(listing_ts, mint_ts) FROM listings
            UNION ALL SELECT bidder_id, ts FROM bids
            UNION ALL SELECT seller_id, ts FROM sales
            UNION ALL SELECT buyer_id, ts FROM sales
        )
        WHERE ts IS NOT NULL
        GROUP BY user_id ORDER BY user_id""",
    "orders": f"""
        SELECT seller_id AS customer_id, {STAMP.format("ts")} AS ordered_at, token_id AS product,
               price_usd AS revenue, 'sale-' || row_number() OVER (ORDER BY ts, token_id) AS order_id
        FROM sales ORDER BY ordered_at, order_id""",
    "usage": f"""
        SELECT customer_id, {STAMP.format("ts")} AS occurred_at, feature
        FROM (
            SELECT seller_id AS customer_id, listing_ts AS ts, 'list' AS feature FROM listings
            UNION ALL SELECT seller_id, mint_ts, 'mint' FROM listings
            UNION ALL SELECT bidder_id, ts, 'bid' FROM bids
            UNION ALL SELECT seller_id, ts, 'sell' FROM sales
        )
        WHERE ts IS NOT NULL
        ORDER BY occurred_at, customer_id, feature""",
    "catalog": """
        SELECT * FROM (VALUES ('bid', 'core'), ('list', 'advanced'), ('mint', 'advanced'),
                              ('sell', 'advanced')) AS t(feature, tier)""",
    "interactions": f"""
        SELECT inviter_id AS source_id, user_id AS target_id,
               {STAMP.format("first_listing_ts")} AS occurred_at, 'referral' AS kind
        FROM users WHERE first_listing_ts IS NOT NULL AND inviter_id <> user_id
        UNION ALL
        SELECT bidder_id, seller_id, {STAMP.format("ts")}, 'bid' FROM bids WHERE bidder_id <> seller_id
        UNION ALL
        SELECT buyer_id, seller_id, {STAMP.format("ts")}, 'purchase' FROM sales WHERE buyer_id <> seller_id
        ORDER BY occurred_at, source_id, target_id, kind""",
}

COLUMNS = {
    "users": "user_id first_listing_ts first_mint_ts first_bid_ts inviter_id invited_flag",
    "listings": "token_id seller_id listing_ts mint_ts reserve_eth",
    "bids": "token_id seller_id bidder_id ts amount_eth amount_usd",
    "sales": "token_id seller_id buyer_id ts price_eth price_usd n_bids",
}


def convert(source: Path, out: Path) -> dict[str, int]:
    """Convert the extract in *source* to a dataset in *out*, which must not exist yet.

    Returns:
        File → its number of rows, of each file read and each one written.
    """
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    counts: dict[str, int] = {}
    for name, columns in COLUMNS.items():
        file = source / f"{name}.csv"
        types = {column: _type(column) for column in columns.split()}
        # only an empty field is blank: a pseudonym may well spell "NA"
        connection.read_csv(str(file), dtype=types, na_values=[""]).create(name)
        counts[file.name] = connection.table(name).count("*").fetchall()[0][0]
    with atomic.folder(out) as building:
        for name, query in QUERIES.items():
            connection.sql(query).write_parquet(str(building / f"{name}.parquet"))
            counts[f"{name}.parquet"] = connection.sql(query).count("*").fetchall()[0][0]
        (building / "ripple.toml").write_text(SETTINGS, encoding="utf-8")
    return counts


def _type(column: str) -> str:
    if column.endswith("_ts") or column == "ts":
        return "BIGINT"
    return "DOUBLE" if column.endswith(("_eth", "_usd")) else "VARCHAR"


def main() -> int:
    """Command line; 2 when SOURCE or OUT will not do."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("source", type=Path, help="folder with users, listings, bids and sales as CSV")
    parser.add_argument("out", type=Path, help="folder to make")
    return run(
        parser,
        lambda options: ", ".join(
            f"{name}.csv" for name in COLUMNS if not (options.source / f"{name}.csv").is_file()
        ),
        lambda options: convert(options.source, options.out),
    )


if __name__ == "__main__":
    sys.exit(main())
