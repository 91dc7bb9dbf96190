"""The read-out of `ripple experiment` on a published experiment: `INSURANCE_DATA=FOLDER make truth-real`.

The village insurance experiment of Cai, de Janvry & Sadoulet (2015), see `examples.insurance.effects`. Does
the code by which Ripple reads experiments find the published effect of a session on those who were invited,
and what does it find on their audience: who named them as a friend and was invited later?
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.harness import write_section
from examples.insurance.convert import read
from examples.insurance.effects import NATURAL_VILLAGE, PUBLISHED, VILLAGE, households_with_friends
from ripple.training.experiments.estimation import Effect, estimate_effect

CONTROLS = ["male", "age", "agpop", "ricearea_2010", "literacy"]
"""The controls of the study for the first round."""
SECTION = """\
## The read-out on a published experiment: village insurance

`ripple experiment read` compares arms by the code that is applied here to the same experiment. Of the first
round, chance decided who was invited to an intensive session.

| effect of an intensive session | effect | 95 % interval | households |
| --- | ---: | ---: | ---: |
| on own take-up, published | {published:.4f} | {low:.4f} to {high:.4f} | {households:,} |
{rows}

- **Own take-up.** The same as published, by strata for administrative villages, the controls of the study and
  errors clustered by natural village. By default the read-out lets controls act differently in the arms and
  takes each household for a unit: the third row.
- **Audience.** For each household of the first round: how many bought of those who had named it as a friend
  and were invited three days later. Each of these counts once, for the first friend of the first round whom
  they named. So {members:.2f} households are an audience, and {per_member:.3f} purchases came for each of
  them: one friend more in an intensive session.
- The published effect on the second round, 0.2912, is that of all friends rather than none, which no
  comparison of two arms can be. For one friend of the {named:.1f} that were named on average, it would be
  {friend:.3f}.
"""


def own_effect(households: pd.DataFrame, as_published: bool) -> Effect:
    """The effect of an intensive session on the take-up of a household of the first round.

    Args:
        households: see `households_with_friends`.
        as_published: whether errors are clustered by natural village and controls not interacted with
            treatment, as in the study, rather than as by default.
    """
    first = households[households["delay"] == 0]
    first = first.dropna(subset=["takeup_survey", "intensive", *CONTROLS])
    return estimate_effect(
        first["takeup_survey"].to_numpy(np.float64),
        first["intensive"].to_numpy() == 1,
        np.arange(len(first)),
        first[VILLAGE].factorize()[0],
        first[CONTROLS].to_numpy(np.float64),
        cluster=first[NATURAL_VILLAGE].factorize()[0] if as_published else None,
        interacted=not as_published,
        draws=0,
    )


def audiences(households: pd.DataFrame, named: pd.DataFrame) -> pd.DataFrame:
    """The first-round households with an audience, by id: its size as `members`, and who of it `bought`."""
    first = households[households["delay"] == 0].drop_duplicates("id").set_index("id")
    second = households[households["delay"] == 1].drop_duplicates("id").set_index("id")
    friends = named[named["id"].isin(second.index) & named["network_id"].isin(first.index)]
    owner = friends.groupby("id")["network_id"].first()
    bought = second["takeup_survey"].astype(np.float64).loc[owner.index].groupby(owner.to_numpy())
    return first.join(pd.DataFrame({"members": bought.size(), "bought": bought.sum()}), how="inner")


def audience_effect(owners: pd.DataFrame) -> Effect:
    """The effect of an intensive session on the number of purchases of a household's audience.

    Strata are administrative villages, the covariate is the size of the audience, errors are clustered by
    natural village.
    """
    return estimate_effect(
        owners["bought"].to_numpy(np.float64),
        owners["intensive"].to_numpy() == 1,
        np.arange(len(owners)),
        owners[VILLAGE].factorize()[0],
        owners[["members"]].to_numpy(np.float64),
        cluster=owners[NATURAL_VILLAGE].factorize()[0],
        interacted=False,
    )


def section(source: Path) -> str:
    """The part of docs/real.md."""
    households, named = households_with_friends(source), read(source)[1]
    owners = audiences(households, named)
    reached = audience_effect(owners)
    found = {
        "on own take-up, read-out as in the study": own_effect(households, as_published=True),
        "on own take-up, read-out by default": own_effect(households, as_published=False),
        "on purchases of the audience, read-out": reached,
    }
    published = PUBLISHED["own intensive session"]
    low, high = published.interval
    members = float(owners["members"].mean())
    mean_named = float(households.loc[households["delay"] == 1, "friends"].mean())
    return SECTION.format(
        published=published.value,
        low=low,
        high=high,
        households=published.households,
        rows="\n".join(
            f"| {name} | {effect.effect:.4f} | {effect.low:.4f} to {effect.high:.4f} "
            f"| {effect.treated + effect.held:,} |"
            for name, effect in found.items()
        ),
        members=members,
        per_member=reached.effect / members,
        friend=PUBLISHED["all friends in intensive sessions"].value / mean_named,
        named=mean_named,
    )


def main() -> None:
    """Estimate, print the section and write it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("source", type=Path, help="folder with 0422survey.dta and 0422allinforawnet.dta")
    text = section(parser.parse_args().source)
    print(text, end="")
    write_section("insurance read-out", text)


if __name__ == "__main__":
    main()
