"""Commands for those who add features of their own: test-features."""

from __future__ import annotations

from datetime import timedelta

import typer

from ripple.cli.application import app
from ripple.cli.arguments import Data, SettingsFile
from ripple.cli.datasets import open_checked
from ripple.extras import require

CUTOFFS = 3
"""The number of cutoffs at which features are tested; the last one at the end of the data."""


@app.command("test-features", epilog="Example: ripple test-features /tmp/world")
def check_own_features(data: Data, settings: SettingsFile = None) -> None:
    """Test the features of a features.py beside the data; exit with 0 if all can be used, else 2.

    None may look ahead: each is computed at three cutoffs, with and without the rows that came after. See
    docs/extending.md.
    """
    require("train")
    from ripple.training.examples.feature_checks import check_features

    dataset, report = open_checked(data, settings)
    end = dataset.settings.until or report.end
    step = (end - report.start) / CUTOFFS
    # not all at midnight, where features are read off daily tables
    cutoffs = [end - index * step + timedelta(hours=index) for index in reversed(range(CUTOFFS))]
    failed = 0
    for check in check_features(dataset, cutoffs):
        failed += bool(check.problems)
        print(f"{'failed' if check.problems else 'passed'}  {check.name}")
        for problem in check.problems:
            print(f"        {problem}")
        if len(values := check.values.dropna()):
            low, median, high = values.quantile([0, 0.5, 1])
            share = len(values) / len(check.values)
            print(
                f"        {share:.0%} have a value, from {low:g} to {high:g}, half of them at most {median:g}"
            )
    if failed:
        raise typer.Exit(2)
    print(f"All pass at {', '.join(f'{cutoff:%Y-%m-%d %H:%M}' for cutoff in cutoffs)}.")
