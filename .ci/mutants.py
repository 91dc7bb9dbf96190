"""Changes modules in small ways, one at a time, and reports the changes that their tests do not notice.

    python .ci/mutants.py training/registry/gate.py ...

It works on a copy of the checkout, so nothing here is changed. Each change runs the module's test file.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
MODULES = (
    "training/registry/gate.py",
    "training/evaluation/*.py",
    "training/estimators/c*.py",
    "training/attribution/*.py",
    "models/reasons.py",
)
"""The modules that are mutated where none is named: those that decide on a model or compute its numbers."""
CONFIGURATION = """\
[cosmic-ray]
module-path = "{module}"
timeout = 300.0
excluded-modules = []
test-command = "{python} -m pytest -q -x -p no:cacheprovider --durations=0 {tests}"

[cosmic-ray.distributor]
name = "local"
"""


def main(names: list[str]) -> int:
    """Report on these modules, or on all of `MODULES`; 1 if the tests of one fail without a change."""
    modules = names or [
        str(path.relative_to(ROOT))
        for pattern in MODULES
        for path in sorted(ROOT.glob(pattern))
        if path.name != "__init__.py"
    ]
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "checkout"
        ignored = shutil.ignore_patterns(".venv*", ".ripple", ".git", ".*_cache")
        shutil.copytree(ROOT, copy, symlinks=True, ignore=ignored)
        return max([_report(module, copy) for module in modules], default=0)


def _report(module: str, copy: Path) -> int:
    """Print the changes to *module* that survived its tests."""
    path = Path(module)
    tests = Path("tests") / path.with_name(f"test_{path.name}")
    configuration, session = copy / "mutants.toml", copy / "mutants.sqlite"
    configuration.write_text(CONFIGURATION.format(module=module, python=sys.executable, tests=tests))
    session.unlink(missing_ok=True)
    if not (copy / tests).is_file() or _run(copy, "cosmic-ray", "baseline", configuration):
        print(f"mutants: {tests} fails without any change, or is not there")
        return 1
    _run(copy, "cosmic-ray", "init", configuration, session)
    _run(copy, "cosmic-ray", "exec", configuration, session)
    print(f"mutants: {module}")
    _run(copy, "cr-report", "--show-diff", "--surviving-only", session)
    return 0


def _run(cwd: Path, program: str, *arguments: str | Path) -> int:
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run([BIN / program, *arguments], cwd=cwd, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
