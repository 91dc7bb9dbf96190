"""Direct value on CDNOW, real orders, beside BG/NBD with Gamma–Gamma by clvkit: `make truth-real`.

CDNOW sold compact discs online. The data are all purchases to June 1998 of the 23,570 customers who bought
first in the first quarter of 1997 (Fader & Hardie 2001). They ship in the wheel of `lifetimes` 0.11.3. Here
they are read from that wheel or from its file CDNOW_master.txt, and not kept.
"""

from __future__ import annotations

import argparse
import io
import tempfile
import warnings
import zipfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from clvkit import BGNBD, CLV, CustomerBase, GammaGamma

from benchmarks.harness import write_results, write_section
from ripple.features.validation.checks import load
from ripple.settings import Settings
from ripple.training.evaluation import metrics
from ripple.training.evaluation.bootstrap import customer_count, estimate_with_bounds, ranked_cutoffs
from ripple.training.insights.direct_value import LAST_PERIOD, PREDICTED
from ripple.training.orders_alone.pipeline import fit_and_evaluate

FOLDER, MASTER, SAMPLE = "lifetimes/datasets", "CDNOW_master.txt", "CDNOW_sample.txt"
"""The folder in the wheel, all purchases, and those of every tenth customer."""
HORIZON = timedelta(days=91)
CUTOFFS = (datetime(1997, 10, 1), datetime(1998, 1, 1), datetime(1998, 4, 1))
"""The ends of the quarters: at midnight, so all of the day before is known."""
END = datetime(1998, 7, 1)
PUBLISHED_END = datetime(1997, 10, 1)
PUBLISHED = {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426, "p": 6.25, "q": 3.74, "gamma": 15.44}
"""The estimates after 39 weeks: BG/NBD of Fader, Hardie & Lee (2005, Marketing Science 24, table 2) and
Gamma–Gamma of Fader & Hardie (2013, The Gamma-Gamma Model of Monetary Value)."""
RIPPLE, TIED, CLVKIT, LAST = "Ripple", "Ripple, lowest tied", "clvkit", "last period"
SHARES = (0.01, 0.05, 0.1)
LEVEL = (0.85, 1.15)
TIED_SHARE = 0.6
INTRODUCTION = """\
## Direct value on real orders: CDNOW

CDNOW sold compact discs online. The data are all 69,659 purchases to June 1998
of the 23,570 customers who bought first in the first quarter of 1997; they ship in the wheel of `lifetimes`
0.11.3 and are fetched from there. Nothing but `customers` and `orders` is known of them.

At the end of each quarter every ranking predicts what each customer will spend in the next 91 days, from what
was known then. **Ripple** is the head of direct value, trained on the closed windows before
({settings}). **clvkit** is BG/NBD with Gamma–Gamma by maximum
likelihood (version 0.2.1), fitted at the same cutoff. **Last period** is what each customer spent in the 91
days before.

Capture is what the top 1, 5 or 10 % of a ranking spent ÷ what the true top spent. Total is the sum of all
predictions ÷ what was spent. Of Ripple, clvkit and last period, the best is bold.
"""
NOTES = """
**Spearman.** {zero} of customers had spent nothing in the last period, and {none} spend nothing in the next.
Spearman's correlation rewards a ranking for tying customers where the truth ties them, although an order says
more than a tie. *{tied_name}* gives the {tied} of customers with the lowest forecasts their mean.
{tied_verdict}
The forecasts of Ripple themselves are not tied, as that loses order (see Gini).

**Top 1 %.** These are 236 customers. Ripple's capture minus that of clvkit is {lead} in the mean of the three
quarters, with a 95 % interval of {low} to {high} (paired bootstrap over customers, each drawn at all cutoffs
or none).

**Level.** The goal is .85 to 1.15 at every cutoff. {level}
The data hold a single Christmas, so no model can have learnt that the fourth quarter of 1997 would be high
and the second of 1998 low. Ripple takes the level of BG/NBD, which knows that customers leave, times what
closed windows say beyond chance.

### Published figures

Estimates on every tenth customer and the first 39 weeks by Fader, Hardie & Lee (2005, *Marketing Science* 24,
275–284; BG/NBD) and by Fader & Hardie (2013, *The Gamma-Gamma Model of Monetary Value*), and what clvkit
estimates here on the same: the rival is the model of the papers.

| parameter | published | clvkit here |
|---|---:|---:|
{parameters}
"""


def transactions(source: Path, name: str = MASTER) -> pd.DataFrame:
    """`customer_id`, `date` and `amount` of every purchase in the file *name* of *source*.

    Args:
        source: the wheel of lifetimes, or a folder with its files.
        name: `MASTER`, or `SAMPLE`, which has no header and numbers its customers anew in a further column.
    """
    if source.is_dir():
        text = (source / name).read_text(encoding="ascii")
    else:
        with zipfile.ZipFile(source) as wheel:
            text = wheel.read(f"{FOLDER}/{name}").decode("ascii")
    columns = ["customer_id", "date", "discs", "amount"]
    rows = pd.read_csv(
        io.StringIO(text),
        sep=r"\s+",
        skiprows=1 if name == MASTER else 0,
        names=columns if name == MASTER else ["customer_id", "number", *columns[1:]],
        dtype={"customer_id": str},
    )
    return rows.assign(date=pd.to_datetime(rows["date"].astype(str)))[["customer_id", "date", "amount"]]


def write_dataset(bought: pd.DataFrame, folder: Path) -> None:
    """Write customers and orders into *folder*; everybody joined with their first purchase."""
    orders = pd.DataFrame(
        {
            "customer_id": bought["customer_id"],
            # the hour is not known; at midnight a purchase would lie on a cutoff
            "ordered_at": bought["date"] + pd.Timedelta(hours=12),
            "product": "discs",
            "revenue": bought["amount"],
        }
    )
    orders.to_parquet(folder / "orders.parquet", index=False)
    joined = bought.groupby("customer_id")["date"].min().rename("joined_at").reset_index()
    joined.to_parquet(folder / "customers.parquet", index=False)


def settings() -> Settings:
    """Cutoffs at the ends of quarters, training windows every 30 days."""
    return Settings.model_validate(
        {
            "horizon_days": HORIZON.days,
            "until": END,
            "cutoffs": {"step_days": 30, "history_days": 90, "evaluate": CUTOFFS},
        }
    )


def predictions(bought: pd.DataFrame) -> pd.DataFrame:
    """By cutoff and customer, the prediction of every ranking, and what was `realised`."""
    with tempfile.TemporaryDirectory() as folder:
        write_dataset(bought, Path(folder))
        result = fit_and_evaluate(*load(folder, settings()), "cdnow")
    table = result.value.direct.predictions.rename(columns={PREDICTED: RIPPLE, LAST_PERIOD: LAST})
    rivals = [
        clvkit_spend(bought, cutoff.to_pydatetime(), table["customer_id"][table["cutoff"] == cutoff])
        for cutoff in table["cutoff"].unique()
    ]
    forecast = table.groupby("cutoff")[RIPPLE]
    low = forecast.rank(pct=True, method="first") <= TIED_SHARE
    shared = table[RIPPLE].where(low).groupby(table["cutoff"]).transform("mean")
    table[CLVKIT] = np.concatenate(rivals)
    table[TIED] = table[RIPPLE].where(~low, shared)
    return table


def fitted(bought: pd.DataFrame, cutoff: datetime) -> tuple[BGNBD, GammaGamma, CLV]:
    """BG/NBD and Gamma–Gamma by clvkit on what was bought before *cutoff*, and both together.

    Times are in weeks, and the purchases of a day are one.
    """
    purchases, amounts = BGNBD(), GammaGamma()
    with warnings.catch_warnings(action="ignore"):  # it tells how it treats purchases that cost nothing
        base = CustomerBase.from_transactions(
            bought[bought["date"] < cutoff],
            time_unit="W",
            collapse="D",
            observation_period_end=pd.Timestamp(cutoff - timedelta(days=1)),
        )
        return purchases, amounts, CLV(purchases, amounts, check_independence=False).fit(base)


def clvkit_spend(bought: pd.DataFrame, cutoff: datetime, customers: pd.Series) -> np.ndarray:
    """Expected spend of *customers* over the horizon by clvkit."""
    *_, model = fitted(bought, cutoff)
    spend = model.predict(horizon=HORIZON.days // 7).to_pandas()["clv"]
    return spend.reindex(customers).to_numpy()


def figures(table: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """A row for each cutoff and ranking of the *table* of `predictions`."""
    for cutoff in table["cutoff"].unique():
        rows = table[table["cutoff"] == cutoff]
        realised = rows["realised"].to_numpy()
        for ranking in (RIPPLE, TIED, CLVKIT, LAST):
            score = rows[ranking].to_numpy()
            captures = {f"capture {share:.0%}": metrics.capture(score, realised, share) for share in SHARES}
            yield {
                "cutoff": f"{cutoff - timedelta(days=1):%Y-%m-%d}",
                "ranking": ranking,
                "Spearman": metrics.rank_correlation(score, realised),
                "Gini": metrics.normalised_gini(score, realised),
                **captures,
                "total": float(score.sum() / realised.sum()),
            }


def lead_interval(table: pd.DataFrame) -> tuple[float, float, float]:
    """Mean capture at the top 1 % of Ripple minus that of clvkit, with its 95 % bounds over customers."""
    ranked = ranked_cutoffs(table, [RIPPLE, CLVKIT], SHARES[0])
    return estimate_with_bounds(
        lambda counts: float(np.mean([-np.diff(cutoff.captures(counts))[0] for cutoff in ranked])),
        customer_count(ranked),
        settings().seed,
    )


def parameters(sample: pd.DataFrame) -> dict[str, float]:
    """The estimates of clvkit on what the published ones were made from."""
    purchases, amounts, _ = fitted(sample, PUBLISHED_END)
    assert purchases.params_ is not None
    assert amounts.params_ is not None
    return dict(zip(PUBLISHED, [*purchases.params_, *amounts.params_], strict=True))


def section(table: pd.DataFrame, rows: list[dict[str, Any]], estimates: dict[str, float]) -> str:
    """The section of docs/real.md, from `predictions`, `figures` and `parameters`."""
    names = [name for name in rows[0] if name not in ("cutoff", "ranking")]
    lines = [f"| cutoff | ranking | {' | '.join(names)} |", f"|---|---|{'---:|' * len(names)}"]
    for row in rows:
        cells = [f"**{row[name]:.3f}**" if is_best(row, rows, name) else f"{row[name]:.3f}" for name in names]
        lines.append(f"| {row['cutoff']} | {row['ranking']} | {' | '.join(cells)} |")
    levels = {row["cutoff"]: row["total"] for row in rows if row["ranking"] == RIPPLE}
    outside = [cutoff for cutoff, level in levels.items() if not LEVEL[0] <= level <= LEVEL[1]]
    lead, low, high = lead_interval(table)
    chosen = settings().cutoffs
    return (
        INTRODUCTION.format(
            settings=f"`horizon_days = {HORIZON.days}`, `step_days = {chosen.step_days}`, "
            f"`history_days = {chosen.history_days}`"
        )
        + "\n".join(["", *lines, ""])
        + NOTES.format(
            zero=f"{(table[LAST] == 0).mean():.0%}",
            none=f"{(table['realised'] == 0).mean():.0%}",
            tied=f"{TIED_SHARE:.0%}",
            tied_name=TIED,
            tied_verdict=_tied_verdict(rows),
            lead=f"{lead:+.3f}",
            low=f"{low:+.3f}",
            high=f"{high:+.3f}",
            level=f"It is missed at {', '.join(outside)}." if outside else "It is met.",
            parameters="\n".join(
                f"| {name} | {value:g} | {estimates[name]:.3f} |" for name, value in PUBLISHED.items()
            ),
        )
    )


def is_best(row: dict[str, Any], rows: list[dict[str, Any]], name: str) -> bool:
    """Whether no other ranking at the same cutoff has a better figure *name*; the tied one stands apart."""
    others = [one for one in rows if one["cutoff"] == row["cutoff"] and one["ranking"] != TIED]
    if name == "total":
        return row["ranking"] != TIED and abs(np.log(row[name])) == min(
            abs(np.log(one[name])) for one in others
        )
    return row["ranking"] != TIED and row[name] == max(one[name] for one in others)


def _tied_verdict(rows: list[dict[str, Any]]) -> str:
    """At how many cutoffs the tied ranking is ahead of last period in Spearman and of clvkit in Gini."""
    by_ranking = {(row["cutoff"], row["ranking"]): row for row in rows}
    cutoffs = list(dict.fromkeys(row["cutoff"] for row in rows))
    ahead = sum(
        by_ranking[cutoff, TIED]["Spearman"] > by_ranking[cutoff, LAST]["Spearman"]
        and by_ranking[cutoff, TIED]["Gini"] > by_ranking[cutoff, CLVKIT]["Gini"]
        for cutoff in cutoffs
    )
    return (
        f"At {ahead} of {len(cutoffs)} cutoffs that is ahead of last period in Spearman and still ahead of "
        "clvkit in Gini."
    )


def main() -> None:
    """Predict, print the table and write the section."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("source", type=Path, help="the wheel of lifetimes, or a folder with its data sets")
    source = parser.parse_args().source
    table = predictions(transactions(source))
    rows = list(figures(table))
    write_results("cdnow", rows)
    write_section("cdnow", section(table, rows, parameters(transactions(source, SAMPLE))))


if __name__ == "__main__":
    main()
