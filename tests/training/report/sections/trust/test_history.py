import math
from datetime import datetime

from ripple.training.registry.history import PastVersion
from ripple.training.report.sections.trust.history import MAX_VERSIONS, history_section
from ripple.training.result import TrainingResult


def past(number: int) -> PastVersion:
    return PastVersion(str(number), datetime(2024, number, 1), 0.4 + number / 100, math.nan, 1.1)


def test_this_run_comes_last(result: TrainingResult) -> None:
    section = history_section(result, [past(1), past(2)])
    assert [name for name, _ in section["rows"]] == ["version 1", "version 2", "this run"]
    assert [cells[1].sort for _, cells in section["rows"]] == [0.41, 0.42, result.headline()["capture"]]
    assert [cells[2].missing for _, cells in section["rows"]] == [True, True, False]
    assert section["plot"].count("data-tip") == 3 + 3 + 1


def test_only_the_latest_versions_are_shown(result: TrainingResult) -> None:
    section = history_section(result, [past(1 + i % 12) for i in range(40)])
    assert len(section["rows"]) == MAX_VERSIONS


def test_the_first_run_has_no_history(result: TrainingResult) -> None:
    assert history_section(result, [])["rows"] == []
