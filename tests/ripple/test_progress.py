"""Log records carry how far a command is."""

from __future__ import annotations

import pytest

from ripple.progress import Step, stage


@pytest.mark.parametrize(("done", "of", "share"), [(0, 13, 0.0), (3, 12, 0.25), (5, 4, 1.0), (0, 0, 0.0)])
def test_a_stage_is_done_by_the_share_of_its_work(done: float, of: float, share: float) -> None:
    assert stage("fits", done, of) == {"step": Step("fits", share)}
