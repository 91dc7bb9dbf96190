import importlib.metadata

import pytest

from ripple import digests
from ripple.digests import code_digest, digest
from ripple.features.graph.graph_table import graph_table

CHECKS = "ripple.features.validation.checks"
GRAPH = graph_table.__module__


@pytest.fixture(autouse=True)
def clear_cache():
    """Digests of code are kept as long as the process runs."""
    code_digest.cache_clear()
    yield
    code_digest.cache_clear()


@pytest.fixture
def versions(monkeypatch):
    """Versions of libraries that a test changes; None stands for one that is not installed."""
    changed = {}
    real = importlib.metadata.version

    def version(name):
        if changed.get(name, "") is None:
            raise importlib.metadata.PackageNotFoundError(name)
        return changed.get(name) or real(name)

    monkeypatch.setattr("ripple.digests.version", version)
    return changed


def test_a_digest_follows_from_every_part_and_their_order():
    assert digest("a", 1) == digest("a", 1)
    assert len({digest("a", 1), digest("a", 2), digest(1, "a"), digest("a1"), digest("a", "1", "")}) == 5
    assert len(digest()) == 24


@pytest.mark.parametrize(
    ("module", "library"),
    [
        *[(CHECKS, library) for library in ("duckdb", "ibis-framework", "pyarrow")],
        *[(GRAPH, library) for library in ("numpy", "scipy", "ibis-framework", "pyarrow")],
    ],
)
def test_a_digest_of_code_follows_from_the_libraries_it_imports(versions, module, library):
    before = code_digest(module)
    code_digest.cache_clear()
    versions[library] = "0.0.1"
    assert code_digest(module) != before


def test_a_digest_of_code_does_not_follow_from_other_libraries(versions):
    before = code_digest(CHECKS)
    code_digest.cache_clear()
    versions["lightgbm"] = "0.0.1"
    assert code_digest(CHECKS) == before


def test_a_digest_of_code_needs_no_extra_that_the_run_does_not_use(versions):
    before = code_digest(CHECKS)
    code_digest.cache_clear()
    versions |= {"adbc_driver_manager": None, "adbc_driver_postgresql": None, "pyspark": None}
    assert code_digest(CHECKS) != before


@pytest.mark.parametrize(
    ("module", "imported"),
    [
        (CHECKS, "ripple.features.tables.contract"),
        (GRAPH, GRAPH),
        *[
            (GRAPH, f"ripple.features.graph.{name}")
            for name in ("contacts", "ties", "centrality", "leads", "sparse")
        ],
        *[(GRAPH, f"ripple.{name}") for name in ("features.expressions", "arrays", "settings")],
    ],
)
def test_a_digest_of_code_follows_from_the_code_of_what_it_imports(monkeypatch, tmp_path, module, imported):
    before, real = code_digest(module), digests._file
    code_digest.cache_clear()
    changed = tmp_path / "changed.py"
    changed.write_text(real(imported).read_text(encoding="utf-8") + "\n# changed\n")
    monkeypatch.setattr(digests, "_file", lambda name: changed if name == imported else real(name))
    assert code_digest(module) != before


def test_a_digest_of_code_follows_imports_of_every_form_at_any_depth(monkeypatch, tmp_path):
    sources = {
        "top": "from ripple import left\nfrom ripple.right import value\n",
        "left": "import ripple.below\n",
        "right": "def value():\n    from ripple.late import value\n    return value\n",
        "below": "",
        "late": "value = 1\n",
        "other": "",
    }
    monkeypatch.setattr(digests, "_file", lambda name: tmp_path / f"{name.partition('.')[2]}.py")
    by_change = {}
    for changed in ("nothing", *sources):
        for name, source in sources.items():
            (tmp_path / f"{name}.py").write_text(source + "# changed\n" * (name == changed))
        code_digest.cache_clear()
        by_change[changed] = code_digest("ripple.top")
    assert by_change.pop("other") == by_change["nothing"]
    assert len(set(by_change.values())) == len(by_change) == 6
