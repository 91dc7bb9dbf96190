"""The command that tests a user's own features."""

from __future__ import annotations

from pathlib import Path

from tests.support.oracles import feature_frames
from tests.support.servers.processes import Ripple

FEATURE = '''
from ripple.features.extension import feature


@feature("ours", "users")
def people(usage_rows, as_of):
    """Distinct people at the customer."""
    return usage_rows.user_id.nunique()
'''


def test_own_features_are_tested_on_own_data(ripple: Ripple, tmp_path: Path) -> None:
    data = feature_frames.write(feature_frames.random(), tmp_path / "data")
    (data / "features.py").write_text(FEATURE)
    done = ripple("test-features", data, home=tmp_path / "home")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == "passed  people"
    assert f"with the features and metrics of {data / 'features.py'}" in done.stderr
    (data / "features.py").write_text(FEATURE.replace("nunique()", "nunique() * 0"))
    assert ripple("test-features", data, home=tmp_path / "home").returncode == 2


def test_code_that_cannot_run_is_told_with_its_line(ripple: Ripple, tmp_path: Path) -> None:
    data = feature_frames.write(feature_frames.random(), tmp_path / "data")
    (data / "features.py").write_text(FEATURE.replace("import feature", "import features_of_ours"))
    done = ripple("features", data, "--as-of", "2024-04-01", "--out", tmp_path / "a.csv", home=tmp_path)
    assert done.returncode == 2
    assert "features.py cannot be run: line 2: ImportError" in done.stderr
    assert "Traceback" not in done.stderr
