"""Changes modules in small ways, one at a time, and reports the changes that their tests do not notice.

    python .ci/mutants.py training/registry/gate.py ...
    python .ci/mutants.py --most 40 training/evaluation/*.py

It works on a copy of the checkout, so nothing here is changed. Cosmic Ray makes the changes; each runs the
module's test file in a fork of this process, which has imported the libraries already.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import difflib
import gc
import io
import math
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import count, takewhile
from pathlib import Path

import pytest
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names

ROOT = Path(__file__).parents[1]
MODULES = (
    "training/registry/gate.py",
    "training/evaluation/*.py",
    "training/estimators/c*.py",
    "training/attribution/*.py",
    "models/reasons.py",
)
"""The modules that are mutated where none is named: those that decide on a model or compute its numbers."""
TIMEOUT_FACTOR = 5
"""The multiple of their time without a change after which tests count as failed: a loop may be endless."""
NEAREST = {
    *("Add_Sub", "Sub_Add", "Mul_Div", "Div_Mul", "FloorDiv_Div", "Mod_FloorDiv", "Pow_Mul"),
    *("BitAnd_BitOr", "BitOr_BitAnd", "UAdd_USub", "USub_UAdd", "Delete_Not", "Delete_USub", "Delete_Invert"),
    *("Lt_LtE", "LtE_Lt", "Gt_GtE", "GtE_Gt", "Lt_GtE", "LtE_Gt", "Gt_LtE", "GtE_Lt"),
    *("Eq_NotEq", "NotEq_Eq", "Is_IsNot", "IsNot_Is"),
}
"""The replacements of an operator that are hardest to notice; who notices them notices the others."""


def main(names: list[str], most: int | None) -> int:
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
        os.chdir(copy)
        sys.path.insert(0, str(copy))
        return max([_report(Path(module), most) for module in modules], default=0)


def _report(module: Path, most: int | None) -> int:
    """Print the changes to *module* that survived its tests."""
    tests = Path("tests") / module.with_name(f"test_{module.name}")
    start = time.monotonic()
    if not _import_libraries(tests) or not _passes(tests):
        print(f"mutants: {tests} fails without any change, or is not there", flush=True)
        return 1
    timeout = math.ceil(TIMEOUT_FACTOR * (time.monotonic() - start))
    source = module.read_text(encoding="utf-8")
    mutants = list(_mutants(source))
    tried = random.Random(0).sample(mutants, min(most or len(mutants), len(mutants)))
    survivors = 0
    for mutant in tried:
        module.write_text(mutant, encoding="utf-8")
        if _passes(tests, timeout):
            survivors += 1
            diff = difflib.unified_diff(source.splitlines(), mutant.splitlines(), n=1, lineterm="")
            print(*list(diff)[2:], sep="\n", flush=True)
    module.write_text(source, encoding="utf-8")
    print(f"mutants: {module}: {len(mutants)} made, {len(tried)} tried, {survivors} survived", flush=True)
    return 0


def _mutants(source: str) -> Iterator[str]:
    """Every change that is not to an annotation alone."""
    seen = {"", _without_annotations(source)}
    for name in operator_names():
        kind = name.partition("Operator_")[2]
        operator = get_operator(name)
        if operator.arguments() or (kind and kind not in NEAREST):
            continue
        made = (mutate_code(source, operator(), occurrence) for occurrence in count())
        for mutant in takewhile(lambda code: code is not None, made):
            meaning = _without_annotations(mutant)
            if meaning not in seen:
                seen.add(meaning)
                yield mutant


def _without_annotations(source: str) -> str:
    """What *source* does, as text; empty where it is no Python, such as `**` that became `*`."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return ""
    for node in ast.walk(tree):
        for field in ("annotation", "returns"):
            if getattr(node, field, None) is not None:
                setattr(node, field, ast.Constant(None))
    return ast.dump(tree)


def _import_libraries(tests: Path) -> bool:
    """Import all that *tests* import and forget what is ours; whether there are tests."""
    with contextlib.redirect_stdout(io.StringIO()):
        collected = pytest.main(["--collect-only", "-p", "no:cacheprovider", str(tests)])
    for name in [name for name in sys.modules if name.partition(".")[0] in ("ripple", "tests")]:
        del sys.modules[name]
    gc.freeze()  # pytest collects garbage five times over, in each fork
    return collected == pytest.ExitCode.OK


def _passes(tests: Path, timeout: int = 0) -> bool:
    """Whether *tests* pass, within so many seconds; without a limit where that is 0."""
    child = os.fork()
    if not child:
        status = 1
        try:
            sys.dont_write_bytecode = True
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            os.dup2(1, 2)
            signal.alarm(timeout)
            status = pytest.main(["-q", "-x", "-p", "no:cacheprovider", str(tests)])
        finally:
            os._exit(status)
    return os.waitpid(child, 0)[1] == 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("modules", nargs="*")
    parser.add_argument(
        "--most", type=int, help="changes to try of each module, drawn at random; all by default"
    )
    arguments = parser.parse_args()
    sys.exit(main(arguments.modules, arguments.most))
