"""Reproduce the direct and the peer effect that Cai, de Janvry & Sadoulet (2015) published.

    python -m examples.insurance.effects SOURCE

SOURCE is as in `examples.insurance.convert`. Least squares with the controls of the study, fixed effects of
administrative villages and errors clustered by natural village, by statsmodels. Effects are in purchases per
household: 0.14 is 14 percentage points.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import statsmodels.formula.api as smf
from statsmodels.regression.linear_model import RegressionResults

from examples.insurance.convert import NETWORK, SURVEY, missing_files, read

Z95 = 1.959963984540054
"""The quantile of the normal distribution that bounds 95 % on both sides."""
INTENSIVE, FIRST_ROUND, BOUGHT = "friends_intensive", "friends_first_round", "friends_bought"
"""The share of all friends named who were invited to an intensive session of the first round, to any of the
first round, and who bought there."""
OWN = "intensive + male + age + agpop + ricearea_2010 + literacy"
CONTROLS = f"{OWN} + risk_averse + disaster_prob + C(friends)"
"""The controls of the study for the second round: those of the first, `OWN`, and more."""
VILLAGE, NATURAL_VILLAGE = "village", "address"
"""The columns of administrative villages and of the natural villages within them."""


@dataclass(frozen=True)
class Estimate:
    """A coefficient, or a multiple of one, and its clustered standard error."""

    value: float
    error: float
    households: int

    @property
    def interval(self) -> tuple[float, float]:
        """95 % bounds."""
        return self.value - Z95 * self.error, self.value + Z95 * self.error


PUBLISHED = {
    "own intensive session": Estimate(0.1408, 0.0260, 2137),
    "all friends in intensive sessions": Estimate(0.2912, 0.0820, 1255),
}
"""Columns 1 and 2 of table 2 of the study."""


def households_with_friends(source: Path) -> pd.DataFrame:
    """The households of the survey with the number of their `friends` and the shares of them by `INTENSIVE`,
    `FIRST_ROUND` and `BOUGHT`; missing where nobody was named."""
    households, named = read(source)
    first = named["delay"] == 0
    shares = {
        INTENSIVE: first & (named["intensive"] == 1),
        FIRST_ROUND: first,
        BOUGHT: first & (named["takeup_survey"] == 1),
    }
    by_household = named.assign(**shares).groupby("id")
    friends = by_household[list(shares)].mean().assign(friends=by_household.size())
    return households.merge(friends, left_on="id", right_index=True, how="left")


def regress(households: pd.DataFrame, exposures: str, fixed: str = VILLAGE) -> RegressionResults:
    """Take-up on *exposures* and controls, in a linear model with effects of the column *fixed*."""
    model = smf.ols(f"takeup_survey ~ {exposures} + C({fixed})", households)  # without incomplete rows
    clusters = households.loc[model.data.row_labels, NATURAL_VILLAGE].factorize()[0]
    return model.fit(cov_type="cluster", cov_kwds={"groups": clusters})


def direct_effect(households: pd.DataFrame) -> Estimate:
    """The effect of an intensive session on a household of the first round that was invited to it."""
    return _estimate(regress(households[households["delay"] == 0], OWN), "intensive")


def peer_effect(households: pd.DataFrame) -> Estimate:
    """The effect of having all friends rather than none in intensive sessions of the first round.

    It is that on households of the second round that were told nothing of purchases.
    """
    told_nothing = (households["delay"] == 1) & (households["info_none"] == 1)
    return _estimate(regress(households[told_nothing], f"{INTENSIVE} + {CONTROLS}"), INTENSIVE)


def share_of_purchases(
    second_round: pd.DataFrame, exposure: str, given: str = "", fixed: str = VILLAGE
) -> Estimate:
    """The share of all purchases of *second_round* that would be missing with an *exposure* of nobody.

    The effect on a household, times the exposures of all households, over their purchases, which are taken as
    given. Who named nobody was exposed to nobody.

    Args:
        given: further exposures to hold, for the formula.
    """
    exposures = " + ".join(filter(None, (exposure, given, CONTROLS)))
    effect = _estimate(regress(second_round, exposures, fixed), exposure)
    multiple = float(second_round[exposure].sum() / second_round["takeup_survey"].sum())
    return Estimate(effect.value * multiple, effect.error * multiple, effect.households)


def reproduced(households: pd.DataFrame) -> dict[str, Estimate]:
    """The estimates of `PUBLISHED`, by the same names, from the data."""
    return dict(zip(PUBLISHED, (direct_effect(households), peer_effect(households)), strict=True))


def _estimate(fitted: RegressionResults, name: str) -> Estimate:
    return Estimate(float(fitted.params[name]), float(fitted.bse[name]), int(fitted.nobs))


def main() -> int:
    """Command line; 2 when SOURCE lacks a file."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("source", type=Path, help=f"folder with {SURVEY} and {NETWORK}")
    source = parser.parse_args().source
    if missing := missing_files(source):
        print(f"{source} lacks {' and '.join(missing)}.", file=sys.stderr)
        return 2
    for name, here in reproduced(households_with_friends(source)).items():
        published = PUBLISHED[name]
        print(
            f"{name}: {here.value:.4f} (standard error {here.error:.4f}, {here.households:,} households), "
            f"published {published.value:.4f} ({published.error:.4f}, {published.households:,})"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
