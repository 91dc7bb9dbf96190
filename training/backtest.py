"""Rolling-origin backtest with embargo: at every evaluation cutoff, do only what could have been done then.

For a cutoff E the heads are fitted on cutoffs whose windows had closed by E, and calibrated on predictions
that equally honest heads had made at cutoffs closed by E. What is shipped is the same procedure, standing at
the end of the data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np
import pandas as pd
from sklearn.isotonic import IsotonicRegression

from settings import InputError, Settings
from training import metrics
from training.baselines import baselines
from training.cutoffs import Schedule
from training.examples import Examples
from training.fit import Calibration, Heads, Outcome, calibrate, fit, outcome, target
from training.progress import Say
from training.slices import Slice, slices, summed

CALIBRATION_CUTOFFS = 3
MODEL = "Ripple"


@dataclass
class Forecaster:
    """Fits and calibrates as of any moment, remembering what it has already fitted."""

    examples: Mapping[datetime, Examples]
    schedule: Schedule
    settings: Settings
    say: Say
    _outcomes: dict[datetime, Outcome] = field(default_factory=dict)
    _heads: dict[datetime, Heads] = field(default_factory=dict)

    def teachable(self, moment: datetime) -> bool:
        """Whether anybody is credited with anything at a cutoff closed by *moment*."""
        return any(self.credited(cutoff) for cutoff in self.schedule.training_for(moment))

    def credited(self, cutoff: datetime) -> bool:
        """Whether anybody is credited with anything in the window of *cutoff*."""
        return bool((self.examples[cutoff].labels["network_value"] > 0).any())

    def heads(self, moment: datetime) -> Heads:
        """Heads fitted on all cutoffs closed by *moment*."""
        if moment not in self._heads:
            closed = [self.examples[cutoff] for cutoff in self.schedule.training_for(moment)]
            self._heads[moment] = fit(closed, self.settings)
        return self._heads[moment]

    def outcome(self, cutoff: datetime) -> Outcome:
        """What heads fitted as of *cutoff* predicted there."""
        if cutoff not in self._outcomes:
            count = len(self.schedule.training_for(cutoff))
            self.say(f"backtest {cutoff:%Y-%m-%d}: fitting on {count} closed cutoff{'s' * (count != 1)}")
            self._outcomes[cutoff] = outcome(self.heads(cutoff), self.examples[cutoff], self.settings)
        return self._outcomes[cutoff]

    def judged(self, cutoff: datetime) -> Outcome:
        """The same predictions beside all that has become known since."""
        value = target(self.examples[cutoff].realised, self.settings)
        return replace(
            self.outcome(cutoff), value=value, at_top=metrics.members(value, self.settings.top_share)
        )

    def unseen(self, cutoff: datetime) -> np.ndarray:
        """Expected value of each customer at *cutoff* by heads that were taught by other customers alone.

        The halves go by who came first, so that names do not matter.
        """
        teachers = [self.examples[earlier] for earlier in self.schedule.training_for(cutoff)]
        asked = self.examples[cutoff]
        half = _numbers([one.rows.index for one in (*teachers, asked)])
        predicted = np.full(len(asked.rows), np.nan)
        for own in (0, 1):
            others = [one.where(number % 2 != own) for one, number in zip(teachers, half[:-1], strict=True)]
            mine = half[-1] % 2 == own
            predicted[mine] = fit(others, self.settings).value_of(asked.where(mine).features)
        return predicted

    def rules(self, cutoff: datetime) -> dict[str, np.ndarray]:
        """Score of every customer at *cutoff* by each simple rule."""
        return baselines(self.examples[cutoff].features, self.examples[cutoff].credited)

    def likelihoods(self, cutoff: datetime) -> dict[str, np.ndarray]:
        """The rules' scores at *cutoff* as probabilities of being at the top.

        By isotonic regression (Zadrozny & Elkan 2002) on the cutoffs on which the heads are calibrated.
        """
        closed = self._closed(cutoff)
        known = [(self.rules(earlier), self.outcome(earlier).at_top) for earlier in closed]
        found = {}
        for name, score in self.rules(cutoff).items():
            past = [(own[name], at_top) for own, at_top in known if name in own]
            if past:
                scaled = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip")
                scaled.fit(*(np.concatenate(part).astype(np.float64) for part in zip(*past, strict=True)))
                found[name] = scaled.predict(score)
        return found

    def calibration(self, moment: datetime) -> Calibration | None:
        """Calibration from the latest cutoffs closed by *moment* at which heads could be fitted.

        None if there are none, or nobody is credited with anything in their windows.
        """
        closed = self._closed(moment)
        if not any(self.credited(cutoff) for cutoff in closed):
            return None
        return calibrate([self.outcome(cutoff) for cutoff in closed], self.settings)

    def _closed(self, moment: datetime) -> list[datetime]:
        return [
            cutoff
            for cutoff in self.schedule.all
            if cutoff + self.schedule.horizon <= moment and self.teachable(cutoff)
        ][-CALIBRATION_CUTOFFS:]


@dataclass(frozen=True)
class Backtest:
    """What the backtest found.

    Attributes:
        rankings: one row per cutoff and ranking (the model and every baseline) with the metrics of
            `training.metrics.ranking`, the Brier score of its probabilities (a rule's after isotonic
            regression), the bounds of the 95 % interval of its capture, and the lead of the model over it
            with its own bounds; and one per ranking with cutoff "pooled", the mean over cutoffs. Intervals
            are by paired bootstrap over customers.
        heads: one row per cutoff: total predicted ÷ realised, interval coverage (and that of the decile of
            prediction with the least), reliability of the probabilities, Brier score and that of the base
            rate, the noise ceiling (Spearman of the last label against this one), capture among customers
            who taught nothing, and how far the two heads agree (Spearman).
        deciles: mean predicted and realised value and coverage by decile, over all cutoffs.
        best_baseline: name of the rule with the highest pooled capture.
        lead: pooled capture of the model minus that of the best baseline, with the bounds of its 95 %
            paired bootstrap interval over customers.
        slices: one row per kind of customer: see `training.slices.summed`.
    """

    rankings: pd.DataFrame
    heads: pd.DataFrame
    deciles: pd.DataFrame
    best_baseline: str
    lead: tuple[float, float, float]
    slices: pd.DataFrame = field(default_factory=pd.DataFrame)

    def capture(self, ranking: str) -> float:
        """Pooled capture of *ranking*."""
        return self.capture_interval(ranking)[0]

    def capture_interval(self, ranking: str) -> tuple[float, float, float]:
        """Pooled capture of *ranking* with its 95 % bounds."""
        rankings = self.rankings
        row = rankings[(rankings["cutoff"] == "pooled") & (rankings["ranking"] == ranking)].iloc[0]
        return float(row["capture"]), float(row["capture_low"]), float(row["capture_high"])


@dataclass(frozen=True)
class _Judged:
    """Everything about one evaluation cutoff."""

    cutoff: str
    found: Outcome
    scores: dict[str, np.ndarray]
    calibration: Calibration | None
    likelihoods: dict[str, np.ndarray]


def backtest(forecaster: Forecaster) -> Backtest:
    """Judge the procedure and every baseline at the evaluation cutoffs.

    Raises:
        InputError: at none of them is there credit both to learn from and to be judged by.
    """
    settings = forecaster.settings
    cutoffs = _judgeable(forecaster)
    judged = [_judged(forecaster, cutoff) for cutoff in cutoffs]
    resampled = metrics.bootstrap_captures(
        [one.scores for one in judged],
        [one.found.value for one in judged],
        _numbers([forecaster.examples[cutoff].rows.index for cutoff in cutoffs]),
        settings.top_share,
        settings.seed,
    )
    rows = []
    for i, one in enumerate(judged):
        drawn = {name: captures[:, i] for name, captures in resampled.items()}
        for name, score in one.scores.items():
            row = metrics.ranking(score, one.found.value, settings.top_share)
            brier = (
                metrics.brier(one.likelihoods[name], one.found.at_top) if name in one.likelihoods else np.nan
            )
            rows.append(
                {"cutoff": one.cutoff, "ranking": name, **row, "brier": brier, **_bounds(drawn, name)}
            )
    table = pd.DataFrame(rows)
    pooled = _pooled(table)
    means = {name: captures.mean(axis=1) for name, captures in resampled.items()}
    pooled = pooled.assign(**pd.DataFrame([_bounds(means, name) for name in pooled["ranking"]]))
    whole = pd.concat([table, pooled], ignore_index=True)
    own = whole[whole["ranking"] == MODEL].set_index("cutoff")["capture"]
    whole["lead"] = whole["cutoff"].map(own) - whole["capture"]
    captures = pooled.set_index("ranking")["capture"]
    best = str(captures.drop(MODEL).sort_values(ascending=False).index[0])
    against = whole[(whole["cutoff"] == "pooled") & (whole["ranking"] == best)].iloc[0]
    return Backtest(
        whole,
        pd.DataFrame([_judge(forecaster, cutoff, one) for cutoff, one in zip(cutoffs, judged, strict=True)]),
        pd.concat(map(_deciles, judged)).groupby("decile", as_index=False).mean(),
        best,
        (float(against["lead"]), float(against["lead_low"]), float(against["lead_high"])),
        _slices(forecaster, cutoffs, judged, best),
    )


def _judged(forecaster: Forecaster, cutoff: datetime) -> _Judged:
    found, calibration = forecaster.judged(cutoff), forecaster.calibration(cutoff)
    likelihoods = forecaster.likelihoods(cutoff)
    if calibration is not None:
        likelihoods[MODEL] = calibration.probability(found.odds)
    scores = {MODEL: found.predicted} | forecaster.rules(cutoff)
    return _Judged(f"{cutoff:%Y-%m-%d}", found, scores, calibration, likelihoods)


def _judgeable(forecaster: Forecaster) -> list[datetime]:
    chosen = []
    for cutoff in forecaster.schedule.evaluation:
        if forecaster.teachable(cutoff) and forecaster.credited(cutoff):
            chosen.append(cutoff)
        else:
            forecaster.say(f"backtest {cutoff:%Y-%m-%d}: left out, no credit to learn or judge from")
    if not chosen:
        raise InputError(
            "Every label is zero: no evaluation cutoff has customers credited with revenue of others both "
            "before and after it. Check that interactions hold referrals, or ties between customers who buy "
            "the same products."
        )
    return chosen


def _pooled(table: pd.DataFrame) -> pd.DataFrame:
    """Means over cutoffs of the rankings there are at all of them: no rule is judged on its best days."""
    everywhere = table.groupby("ranking")["cutoff"].transform("count") == table["cutoff"].nunique()
    means = table[everywhere].groupby("ranking", as_index=False).mean(numeric_only=True)
    return means.assign(cutoff="pooled")


def _bounds(captures: Mapping[str, np.ndarray], name: str) -> dict[str, float]:
    """95 % bounds of the capture of ranking *name*, and of the model's lead over it."""
    found = {"capture": captures[name], "lead": captures[MODEL] - captures[name]}
    return {
        f"{what}_{end}": float(np.nanquantile(values, quantile)) if np.isfinite(values).any() else np.nan
        for what, values in found.items()
        for end, quantile in (("low", 0.025), ("high", 0.975))
    }


def _judge(forecaster: Forecaster, cutoff: datetime, one: _Judged) -> dict[str, str | float]:
    found, calibration = one.found, one.calibration
    base_rate = np.full(len(found.at_top), found.at_top.mean())
    last = one.scores.get("last label")
    judged: dict[str, str | float] = {
        "cutoff": one.cutoff,
        "customers": float(len(found.value)),
        "realised": float(found.value.sum()),
        "predicted_share": np.nan,
        "coverage": np.nan,
        "least_coverage": np.nan,
        "reliability_slope": np.nan,
        "brier": np.nan,
        "brier_base_rate": metrics.brier(base_rate, found.at_top),
        "noise_ceiling": np.nan if last is None else metrics.rank_correlation(last, found.value),
        "capture_unseen": metrics.capture(
            forecaster.unseen(cutoff), found.value, forecaster.settings.top_share
        ),
        "agreement": metrics.rank_correlation(found.predicted, found.odds),
    }
    if calibration is None:
        return judged
    low, high = calibration.interval.around(found.predicted)
    probability = one.likelihoods[MODEL]
    return judged | {
        "predicted_share": float(found.predicted.sum() / found.value.sum()),
        "coverage": metrics.coverage(found.value, low, high),
        "least_coverage": float(metrics.coverage_by_decile(found.predicted, found.value, low, high).min()),
        "reliability_slope": metrics.reliability_slope(probability, found.at_top),
        "brier": metrics.brier(probability, found.at_top),
    }


def _deciles(one: _Judged) -> pd.DataFrame:
    found = metrics.deciles(one.found.predicted, one.found.value)
    if one.calibration is None:
        return found.assign(coverage=np.nan)
    low, high = one.calibration.interval.around(one.found.predicted)
    return found.assign(coverage=metrics.coverage_by_decile(one.found.predicted, one.found.value, low, high))


def _slices(
    forecaster: Forecaster, cutoffs: Sequence[datetime], judged: Sequence[_Judged], best: str
) -> pd.DataFrame:
    found = []
    for cutoff, one in zip(cutoffs, judged, strict=True):
        asked = forecaster.examples[cutoff]
        seen = forecaster.examples[forecaster.schedule.training_for(cutoff)[-1]].rows.index
        kinds = slices(asked.features, asked.attributes, ~asked.rows.index.isin(seen))
        scores = {"capture": one.scores[MODEL], "rule_capture": one.scores[best]}
        found.append({name: _slice(one, mask, scores, forecaster) for name, mask in kinds if mask.any()})
    return summed(found)


def _slice(one: _Judged, mask: np.ndarray, scores: Mapping[str, np.ndarray], forecaster: Forecaster) -> Slice:
    share, value = forecaster.settings.top_share, one.found.value
    inside = np.zeros(len(value), dtype=bool)
    if one.calibration is not None:
        low, high = one.calibration.interval.around(one.found.predicted)
        inside = (value >= low) & (value <= high)
    return Slice(
        customers=int(mask.sum()),
        realised=float(value[mask].sum()),
        predicted=float(one.found.predicted[mask].sum()),
        chosen=int(metrics.top(one.found.predicted, share)[mask].sum()),
        at_top=int(one.found.at_top[mask].sum()),
        calibrated=int(mask.sum()) if one.calibration else 0,
        inside=int(inside[mask].sum()),
        captures={name: metrics.capture(score[mask], value[mask], share) for name, score in scores.items()},
    )


def _numbers(customers: Sequence[pd.Index]) -> list[np.ndarray]:
    """The number of each customer, the same at every cutoff; by who appears first, not by name."""
    everybody = pd.Index(np.concatenate(customers)).unique()
    return [everybody.get_indexer(index) for index in customers]
