"""The text that `ripple monitor` prints: a table by cutoff, drift, closed windows and what to do."""

from __future__ import annotations

import math
from collections.abc import Iterator

from ripple.training.evaluation.cutoff_evaluation import MODEL, Backtest
from ripple.training.evaluation.drift import SCORES, SHIFTED
from ripple.training.monitoring import MonitoringResult

COLUMNS = ("cutoff", "customers", "capture", "best rule", "predicted ÷ realised", "coverage", "Brier ÷ base")
ADVICE = {
    "keep": "no check failed",
    "retrain": "train again, because",
    "wait": "no window has closed since training, so nothing can be evaluated yet",
}


def monitoring_text(monitored: MonitoringResult) -> str:
    """Everything that `ripple monitor` prints."""
    version = monitored.version
    lines = [
        f"ripple {version.number}, trained on data until {version.as_of:%Y-%m-%d}; the data end on "
        f"{monitored.end:%Y-%m-%d}",
        "",
    ]
    if monitored.backtest:
        lines += [*_evaluations(monitored, monitored.backtest), ""]
    if len(monitored.served):
        lines += ["predictions that the service returned", *_served_predictions(monitored), ""]
    return "\n".join([*lines, *_drift(monitored), *_windows(monitored), "", *_verdict(monitored)])


def _evaluations(monitored: MonitoringResult, evaluation: Backtest) -> Iterator[str]:
    """A row for each cutoff, one for all of them, and one for the backtest of the training run."""
    yield _row(COLUMNS)
    captures = evaluation.rankings.set_index(["cutoff", "ranking"])["capture"]
    for row in evaluation.heads.to_dict("records"):
        day = row["cutoff"]
        yield _row(
            (
                day,
                f"{row['customers']:,.0f}",
                _number(captures[day, MODEL]),
                _number(captures.get((day, evaluation.best_baseline), math.nan)),
                _number(row["predicted_share"]),
                _number(row["coverage"]),
                _number(row["brier"] / row["brier_base_rate"]),
            )
        )
    pooled = monitored.figures()
    yield _row(
        (
            "all",
            "",
            *(
                _number(pooled[name])
                for name in ("capture", "best_baseline_capture", "predicted_share", "coverage")
            ),
            _number(pooled["brier"] / pooled["brier_base_rate"]),
        )
    )
    of_training = (
        _number(monitored.expected.get(name, math.nan)) for name in ("capture", "best_baseline_capture")
    )
    yield _row(("backtest", "", *of_training, "", "", ""))
    yield f"best rule: {evaluation.best_baseline}"


def _row(cells: tuple[str, ...]) -> str:
    first, *others = cells
    widths = [len(name) for name in COLUMNS[1:]]
    aligned = (f"{cell:>{width}}" for cell, width in zip(others, widths, strict=True))
    return "  ".join([f"{first:<10}", *aligned]).rstrip()


def _served_predictions(monitored: MonitoringResult) -> Iterator[str]:
    yield f"{'as of':<10}  {'version':<20}  {'customers':>9}  {'predicted ÷ realised':>20}  {'coverage':>8}"
    for row in monitored.served.to_dict("records"):
        yield (
            f"{row['as_of']:<10}  {row['model_version']:<20}  {row['customers']:>9,}  "
            f"{_number(row['predicted_share']):>20}  {_number(row['coverage']):>8}"
        )


def _drift(monitored: MonitoringResult) -> Iterator[str]:
    features = monitored.drift.drop(index=SCORES)["psi"].sort_values(ascending=False)
    shifted = features[features > SHIFTED]
    most = f"; most of all {', '.join(map(str, shifted.index[:3]))}" if len(shifted) else ""
    yield f"drift:    {len(shifted)} of {len(features)} features have shifted (PSI above {SHIFTED:g}){most}"


def _windows(monitored: MonitoringResult) -> Iterator[str]:
    yield (
        f"windows:  {monitored.windows} more have closed and can be trained on; the next one to evaluate "
        f"closes on {monitored.next_close:%Y-%m-%d}"
    )


def _verdict(monitored: MonitoringResult) -> Iterator[str]:
    yield f"verdict:  {monitored.verdict}: {ADVICE[monitored.verdict]}"
    yield from (f"          {reason}" for reason in monitored.reasons)


def _number(value: float) -> str:
    return f"{value:.2f}" if math.isfinite(value) else "–"
