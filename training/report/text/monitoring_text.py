"""What became of a version as text: a table by cutoff, what speaks against it, and what to do."""

from __future__ import annotations

import math
from collections.abc import Iterator

from ripple.training.evaluation.cutoff_evaluation import MODEL
from ripple.training.evaluation.drift import SCORES, SHIFTED
from ripple.training.monitoring import MonitoringResult

HEAD = ("cutoff", "customers", "capture", "best rule", "predicted ÷ true", "coverage", "Brier ÷ base")
ADVICE = {
    "keep": "nothing speaks against it",
    "retrain": "train again, for",
    "wait": "no window has closed since it was trained, so nothing can be judged yet",
}


def text(found: MonitoringResult) -> str:
    """Everything that `ripple monitor` prints."""
    version = found.version
    lines = [
        f"ripple {version.number}, trained on what was known by {version.as_of:%Y-%m-%d}; the data end on "
        f"{found.end:%Y-%m-%d}",
        "",
    ]
    if found.backtest:
        lines += [*_table(found), ""]
    if len(found.served):
        lines += ["what the service answered", *_answered(found), ""]
    return "\n".join([*lines, *_drift(found), *_windows(found), "", *_verdict(found)])


def _table(found: MonitoringResult) -> Iterator[str]:
    judged = found.backtest
    assert judged is not None
    yield _line(HEAD)
    rankings = judged.rankings.set_index(["cutoff", "ranking"])["capture"]
    for row in judged.heads.to_dict("records"):
        day = row["cutoff"]
        yield _line(
            (
                day,
                f"{row['customers']:,.0f}",
                _number(rankings[day, MODEL]),
                _number(rankings.get((day, judged.best_baseline), math.nan)),
                _number(row["predicted_share"]),
                _number(row["coverage"]),
                _number(row["brier"] / row["brier_base_rate"]),
            )
        )
    own = found.figures()
    yield _line(
        (
            "together",
            "",
            *(
                _number(own[one])
                for one in ("capture", "best_baseline_capture", "predicted_share", "coverage")
            ),
            _number(own["brier"] / own["brier_base_rate"]),
        )
    )
    promised = (_number(found.expected.get(one, math.nan)) for one in ("capture", "best_baseline_capture"))
    yield _line(("backtest", "", *promised, "", "", ""))
    yield f"best rule: {judged.best_baseline}"


def _line(row: tuple[str, ...]) -> str:
    first, *others = row
    wide = [len(name) for name in HEAD[1:]]
    cells = (f"{cell:>{w}}" for cell, w in zip(others, wide, strict=True))
    return "  ".join([f"{first:<10}", *cells]).rstrip()


def _answered(found: MonitoringResult) -> Iterator[str]:
    yield f"{'as of':<10}  {'version':<20}  {'customers':>9}  {'predicted ÷ true':>16}  {'coverage':>8}"
    for row in found.served.to_dict("records"):
        yield (
            f"{row['as_of']:<10}  {row['model_version']:<20}  {row['customers']:>9,}  "
            f"{_number(row['predicted_share']):>16}  {_number(row['coverage']):>8}"
        )


def _drift(found: MonitoringResult) -> Iterator[str]:
    features = found.drift.drop(index=SCORES)["psi"].sort_values(ascending=False)
    shifted = features[features > SHIFTED]
    most = f", most of all {', '.join(map(str, shifted.index[:3]))}" if len(shifted) else ""
    yield f"drift:    {len(shifted)} of {len(features)} features have shifted (PSI above {SHIFTED:g}){most}"


def _windows(found: MonitoringResult) -> Iterator[str]:
    yield (
        f"windows:  {found.windows} more have closed to learn from; the next one to judge by closes on "
        f"{found.next_close:%Y-%m-%d}"
    )


def _verdict(found: MonitoringResult) -> Iterator[str]:
    yield f"verdict:  {found.verdict}: {ADVICE[found.verdict]}"
    yield from (f"          {reason}" for reason in found.reasons)


def _number(value: float) -> str:
    return f"{value:.2f}" if math.isfinite(value) else "–"
