"""The label beside a randomised experiment on a social network: `INSURANCE_DATA=FOLDER make truth-real`.

The village insurance experiment of Cai, de Janvry & Sadoulet (2015), see `examples.insurance.convert`. How
much does the label credit to friends who had bought in the first round, how much do time-decayed credit and
the experiment? Figures are shares of the purchases of the second round.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pandas as pd

from benchmarks.harness import write_results, write_section
from examples.insurance import effects
from examples.insurance.convert import TOLD, WINDOW, InSight, read, tables, write
from examples.insurance.effects import BOUGHT, FIRST_ROUND, INTENSIVE, NATURAL_VILLAGE, PUBLISHED, Estimate
from ripple import settings
from ripple.features.dataset import Dataset
from ripple.features.validation import checks
from ripple.settings import Settings
from ripple.training.attribution import decayed_credit, network_value

ANY = "anything"
ARMS = (ANY, *TOLD)
"""What second-round households were told: all of them, and those of each arm alone, with the first round."""
SEEDS, RESAMPLES = 5, 50
"""The numbers of seeds over which the label is averaged, and of resamples of villages for its interval."""
EXPERIMENT = {
    "sessions": "friends' sessions",
    "bought": "friends' purchases",
    "bought_within": "inside natural villages",
}
"""What the experiment says of the same purchases: name of the figure → heading of its column."""
SHARES = ("households were told", "purchases", "label", "time-decayed", *EXPERIMENT.values())
LATER = timedelta(days=30)
"""How long purchases could still be made, in the variant in which they could."""
SECTION = """\
## Influence in a randomised experiment: village insurance

Rice farmers in China were offered weather insurance in two rounds of information sessions, three days apart.
Chance decided who was invited when, to a simple or an intensive session, and what the second round was told
of purchases in the first. Before that, households had named up to five friends (Cai, de Janvry & Sadoulet
2015, *Social networks and the decision to insure*, American Economic Journal: Applied Economics 7(2), 81–108;
data openICPSR 113593; [trial 1747](https://www.socialscienceregistry.org/trials/1747) of the AEA registry).
`python -m examples.insurance.effects` reproduces table 2, columns 1 and 2, by least squares with errors
clustered by natural village:

| effect on take-up (standard error) | published | here |
|---|---:|---:|
{published}

`python -m examples.insurance.convert` makes Ripple's tables. The **label** is the share of second-round
purchases that would not have come without friends who had bought in the first round; **time-decayed** is what
time-decayed credit gives them. In brackets are 95 % intervals: of the label by {resamples} resamples of
administrative villages, of the experiment by clustered errors. The label is the mean of {seeds} seeds, by
which controls are drawn.

{shares}

- **Friends' sessions** are randomised: the share of purchases that would be missing had no friend been in an
  intensive session of the first round. It is the effect of what friends had learnt, whether they bought or
  not.
- **Friends' purchases** are not randomised: the share that goes with friends who bought, compared with
  friends who attended and did not, with the controls of the study. The last column compares inside natural
  villages, as the label does inside communities. What was told of purchases is randomised.
- Where nothing was told, the authors found that friends passed on what they knew and that purchases as such
  moved nobody. There the label credits {nothing}, time-decayed credit {nothing_decayed}. Where the list of
  buyers was read out, the label credits {listed}.
- One product and one day of purchases are little to estimate influence from: the intervals of the label are
  wide and overlap between arms. That its mean is as near the experiment's as it is, is partly luck.
- The label can credit only who bought. What friends pass on who learnt much and bought nothing is missed:
  where nothing was told, that may well be all of the effect of sessions.

### Who is in sight

The label compares a buyer with others who could have bought on the same day. Here one knows who could: a
household was invited to one session and decided at its end. So by default `convert` has it at risk there and
then only (`session`), and `credit.expansion` is off, as no purchase could come later. With other tables the
label differs:

{sight}

If those who had declined in the first round count as at risk in the second, they are exposed to buyers and
never buy, as they cannot: influence looks small. If a month remains in which purchases could have come
anyway, they are credited in part.
"""


@contextmanager
def dataset_of(
    households: pd.DataFrame, named: pd.DataFrame, in_sight: InSight = "session"
) -> Iterator[Dataset]:
    """Yield Ripple's tables of these households, as an open dataset."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder, tables(households, named, in_sight))
        dataset, _ = checks.load(folder, settings.load(folder))
        yield dataset


def arm(households: pd.DataFrame, told: str) -> pd.DataFrame:
    """The households of the first round, and those of the second that were *told* this."""
    if told == ANY:
        return households
    return households[(households["delay"] == 0) | (households["told"] == told)]


def purchases(households: pd.DataFrame) -> int:
    """The number of purchases in the second round."""
    return int(households.loc[households["delay"] == 1, "takeup_survey"].sum())


def credited(dataset: Dataset, options: Settings, later: timedelta = timedelta(0)) -> float:
    """The purchases of the second round that the label credits, were there time to buy until *later*."""
    start, end = WINDOW
    return float(
        network_value(dataset.tables, start, end + later, options)["influence_value"].sum().execute()
    )


def label_shares(
    households: pd.DataFrame, named: pd.DataFrame, in_sight: InSight, later: timedelta | None = None
) -> Iterator[float]:
    """The share of purchases credited with each seed; with *later*, some would have come by then anyway."""
    with dataset_of(households, named, in_sight) as dataset:
        credit = dataset.settings.credit.model_copy(update={"expansion": later is not None})
        for seed in range(SEEDS):
            options = dataset.settings.model_copy(update={"seed": seed, "credit": credit})
            yield credited(dataset, options, later or timedelta(0)) / purchases(households)


def resampled(households: pd.DataFrame, named: pd.DataFrame, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """As many administrative villages as there are, drawn with replacement, each copy with ids of its own.

    Nominations between villages, of which there are few, are left out.
    """
    villages = [members for _, members in households.groupby("village")]
    village_of = households.set_index("id")["village"]
    inside = named[named["id"].map(village_of) == named["network_id"].map(village_of)]
    drawn = np.random.default_rng(seed).integers(len(villages), size=len(villages))
    copies = [_copy(villages[village], inside, f"{number}-") for number, village in enumerate(drawn)]
    members, nominations = (pd.concat(parts, ignore_index=True) for parts in zip(*copies, strict=True))
    return members, nominations


def _copy(village: pd.DataFrame, named: pd.DataFrame, prefix: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The households of a *village* and the nominations among them, with a *prefix* to their ids."""
    nominations = named[named["id"].isin(village["id"])]
    return village.assign(id=prefix + village["id"]), nominations.assign(
        id=prefix + nominations["id"], network_id=prefix + nominations["network_id"]
    )


def resampled_shares(households: pd.DataFrame, named: pd.DataFrame) -> Iterator[float]:
    """The share of purchases credited in each resample of villages."""
    for seed in range(RESAMPLES):
        members, nominations = resampled(households, named, seed)
        with dataset_of(members, nominations) as dataset:
            options = dataset.settings.model_copy(update={"seed": seed})
            yield credited(dataset, options) / purchases(members)


def decayed_share(households: pd.DataFrame, named: pd.DataFrame) -> float:
    """The share of purchases that time-decayed credit gives to friends who had bought."""
    with dataset_of(households, named) as dataset:
        credit = decayed_credit(dataset.tables, *WINDOW, dataset.settings)
        return float(credit["influence_value"].sum().execute()) / purchases(households)


def experiment_shares(second_round: pd.DataFrame) -> dict[str, Estimate]:
    """The figures of `EXPERIMENT`; purchases of friends at given sessions of theirs."""
    given = f"{INTENSIVE} + {FIRST_ROUND}"
    estimates = (
        effects.share_of_purchases(second_round, INTENSIVE),
        effects.share_of_purchases(second_round, BOUGHT, given),
        effects.share_of_purchases(second_round, BOUGHT, given, NATURAL_VILLAGE),
    )
    return dict(zip(EXPERIMENT, estimates, strict=True))


def figures(source: Path) -> Iterator[dict[str, Any]]:
    """A row for each arm: label by who is in sight, with its interval, time-decayed credit and experiment."""
    households, named = effects.households_with_friends(source), read(source)[1]
    for told in ARMS:
        members = arm(households, told)
        sight = {
            in_sight: float(np.mean(list(label_shares(members, named, in_sight))))
            for in_sight in get_args(InSight)
        }
        low, high = np.quantile(list(resampled_shares(members, named)), (0.025, 0.975))
        row = {"told": told, "purchases": purchases(members), **sight, "low": float(low), "high": float(high)}
        row["later"] = float(np.mean(list(label_shares(members, named, "session", LATER))))
        row["decayed"] = decayed_share(members, named)
        for name, estimate in experiment_shares(members[members["delay"] == 1]).items():
            row[name] = estimate.value
            row[f"{name}_low"], row[f"{name}_high"] = estimate.interval
        yield row


def section(rows: list[dict[str, Any]], reproduced: Mapping[str, Estimate]) -> str:
    """The part of docs/real.md, from `figures` and `effects.reproduced`."""
    by_arm = {row["told"]: row for row in rows}
    variants = {
        "at the own session (`session`)": "session",
        "from the first round to the own session (`until`)": "until",
        "in both rounds, everybody (`throughout`)": "throughout",
        f"`session`, but purchases could still come for {LATER.days} days": "later",
    }
    return SECTION.format(
        published="\n".join(
            f"| {name} | {_effect(PUBLISHED[name])} | {_effect(here)} |" for name, here in reproduced.items()
        ),
        shares=_table(SHARES, [_share_cells(row) for row in rows]),
        resamples=RESAMPLES,
        seeds=SEEDS,
        nothing=_percent(by_arm[TOLD[0]]["session"]),
        nothing_decayed=_percent(by_arm[TOLD[0]]["decayed"]),
        listed=_percent(by_arm[TOLD[2]]["session"]),
        sight=_table(
            ("at risk", *(f"told {told}" for told in by_arm)),
            [[text, *(_percent(row[name]) for row in rows)] for text, name in variants.items()],
        ),
    )


def _share_cells(row: Mapping[str, Any]) -> list[str]:
    return [
        row["told"],
        f"{row['purchases']:,}",
        _with_interval(row["session"], row["low"], row["high"]),
        _percent(row["decayed"]),
        *(_with_interval(row[name], row[f"{name}_low"], row[f"{name}_high"]) for name in EXPERIMENT),
    ]


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [columns, ["---", *["---:"] * (len(columns) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _effect(estimate: Estimate) -> str:
    return f"{estimate.value:.4f} ({estimate.error:.4f}), n {estimate.households:,}"


def _with_interval(value: float, low: float, high: float) -> str:
    return f"{_percent(value)} ({100 * low:.1f} to {100 * high:.1f})"


def _percent(value: float) -> str:
    return f"{100 * value:.1f} %"


def main() -> None:
    """Compare, print the table and write the section."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("source", type=Path, help="folder with 0422survey.dta and 0422allinforawnet.dta")
    source = parser.parse_args().source
    rows = list(figures(source))
    write_results("insurance", rows)
    households = effects.households_with_friends(source)
    write_section("insurance", section(rows, effects.reproduced(households)))


if __name__ == "__main__":
    main()
