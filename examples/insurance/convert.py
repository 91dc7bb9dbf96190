"""Turn the village insurance experiment (Cai, de Janvry & Sadoulet 2015) into a Ripple dataset.

    python -m examples.insurance.convert SOURCE OUT [--in-sight session|until|throughout]

Rice farmers in China were offered weather insurance in information sessions, in two rounds three days apart.
Chance decided in which round a household was invited, whether its session was intensive, and what the second
round was told of purchases in the first. Before that, households had named up to five friends. SOURCE holds
0422survey.dta and 0422allinforawnet.dta of the replication data (openICPSR 113593); OUT becomes customers,
orders, usage and interactions as Parquet, with a ripple.toml. The decisions, table by table:

customers     The households of the survey. What is known of them and what chance assigned are attributes.
orders        Insurance is the one product, with revenue 1. It was bought at the end of the own session.
usage         Attending a session.
interactions  That *b* named *a* as a friend is an interaction from *a* to *b*, 30 days before the first
              round. A friend outside the survey gives no row.

The data hold no dates of sessions (`day` is the same in both rounds in 52 of 167 natural villages). So dates
are made up, but for the three days between rounds.

Who is in sight, and so at risk of buying, is the choice that matters. `session`, the default, follows the
protocol: a household was invited to one session and decided at its end. It could buy then, and neither before
nor after. `until` has the second round at risk from the first on, as if it could have bought there.
`throughout` has everybody at risk in both rounds, as if those who had declined were asked again. As nothing
could be bought later, `credit.expansion` is off.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Literal, get_args

import pandas as pd

from examples.command_line import run
from ripple import atomic

SURVEY, NETWORK = "0422survey.dta", "0422allinforawnet.dta"
InSight = Literal["session", "until", "throughout"]
ROUNDS = (pd.Timestamp("2010-04-01 09:00"), pd.Timestamp("2010-04-04 09:00"))
"""When the sessions of each round begin."""
LENGTH = pd.Timedelta(hours=1)
NAMED = ROUNDS[0] - pd.Timedelta(days=30)
"""When households had named their friends."""
WINDOW = (pd.Timestamp("2010-04-02").to_pydatetime(), pd.Timestamp("2010-04-05").to_pydatetime())
"""A window that holds the second round and nothing else."""
TOLD = ("nothing", "take-up rate", "who bought")
"""What second-round sessions were told of purchases in the first."""
ATTRIBUTES = {
    "address": "natural_village",
    "village": "village",
    "male": "male",
    "age": "age",
    "agpop": "household_size",
    "ricearea_2010": "rice_area",
    "literacy": "literate",
    "risk_averse": "risk_averse",
    "disaster_prob": "disaster_probability",
}
"""What is known of a household: name in the source → name of the attribute."""
SETTINGS = """\
# Village insurance, two rounds of sessions
currency = "policies"
until = 2010-04-05
horizon_days = 3

[credit]
expansion = false # nobody who declined could buy later

[kinds]
friend = "referent"
"""


def missing_files(source: Path) -> list[str]:
    """The names of the files that the folder *source* lacks."""
    return [name for name in (SURVEY, NETWORK) if not (source / name).is_file()]


def read(source: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The households of the survey, and who named whom, from the folder *source*.

    Returns:
        The survey, with ids as text and a column `told`, one of `TOLD`. The nominations, with `id`,
        `network_id` (99, which is no household, where the friend was not identified), and `delay`,
        `intensive` and `takeup_survey` of the friend. As in the study, those without a name are left out.
    """
    households = pd.read_stata(source / SURVEY)
    named = pd.read_stata(source / NETWORK)
    named = named[~((named["network_missname"] == 1) & named["network_id"].isna())]
    told = households["info_takeup_rate"] + 2 * households["info_takeup_list"]
    return (
        households.assign(id=_text(households["id"]), told=told.map(dict(enumerate(TOLD)))),
        named.assign(id=_text(named["id"]), network_id=_text(named["network_id"].fillna(99))),
    )


def tables(
    households: pd.DataFrame, named: pd.DataFrame, in_sight: InSight = "session"
) -> dict[str, pd.DataFrame]:
    """Ripple's tables of *households* and of the nominations among them, as `read` returns both."""
    ids, second = households["id"], households["delay"] == 1
    own = second.map({False: ROUNDS[0], True: ROUNDS[1]})
    sessions = [pd.DataFrame({"customer_id": ids, "occurred_at": own + LENGTH})]
    # a customer is in sight from joining to the last event: others' sessions extend that
    if in_sight != "session":
        sessions.append(_session(ids[second], ROUNDS[0]))
    if in_sight == "throughout":
        sessions.append(_session(ids[~second], ROUNDS[1]))
    bought = households["takeup_survey"] == 1
    among = named["id"].isin(ids) & named["network_id"].isin(ids) & (named["id"] != named["network_id"])
    edges = named[among].drop_duplicates(["id", "network_id"])
    return {
        "customers": households[list(ATTRIBUTES)]
        .rename(columns=ATTRIBUTES)
        .assign(
            round=1 + second.astype(int),
            session=households["intensive"].map({0: "simple", 1: "intensive"}),
            told=households["told"],
            joined_at=own if in_sight == "session" else ROUNDS[0],
            customer_id=ids,
        ),
        "orders": pd.DataFrame(
            {
                "customer_id": ids[bought],
                "ordered_at": own[bought] + LENGTH,
                "product": "insurance",
                "revenue": 1.0,
            }
        ),
        "usage": pd.concat(sessions).assign(feature="session"),
        "interactions": pd.DataFrame(
            {
                "source_id": edges["network_id"],
                "target_id": edges["id"],
                "occurred_at": NAMED,
                "kind": "friend",
            }
        ),
    }


def convert(source: Path, out: Path, in_sight: InSight = "session") -> dict[str, int]:
    """Convert the data in the folder *source* to a dataset in *out*, which must not exist yet.

    Returns:
        File → its number of rows, of each one written.
    """
    with atomic.folder(out) as building:
        return write(building, tables(*read(source), in_sight))


def write(folder: Path, dataset: dict[str, pd.DataFrame]) -> dict[str, int]:
    """Write the tables and ripple.toml into *folder*, and return the number of rows of each file."""
    for name, table in dataset.items():
        table.to_parquet(folder / f"{name}.parquet", index=False)
    (folder / "ripple.toml").write_text(SETTINGS, encoding="utf-8")
    return {f"{name}.parquet": len(table) for name, table in dataset.items()}


def _session(ids: pd.Series, begin: pd.Timestamp) -> pd.DataFrame:
    return pd.DataFrame({"customer_id": ids, "occurred_at": begin + LENGTH})


def _text(numbers: pd.Series) -> pd.Series:
    return numbers.astype("int64").astype(str)


def main() -> int:
    """Command line; 2 when SOURCE or OUT will not do."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("source", type=Path, help=f"folder with {SURVEY} and {NETWORK}")
    parser.add_argument("out", type=Path, help="folder to make")
    parser.add_argument(
        "--in-sight", choices=get_args(InSight), default="session", help="when a household is at risk"
    )
    return run(
        parser,
        lambda options: " and ".join(missing_files(options.source)),
        lambda options: convert(options.source, options.out, options.in_sight),
    )


if __name__ == "__main__":
    sys.exit(main())
