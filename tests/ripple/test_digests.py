import importlib.metadata

import pytest

from ripple.digests import code_digest, digest

CHECKS = "ripple.features.validation.checks"


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


@pytest.mark.parametrize("library", ["duckdb", "ibis-framework", "pyarrow"])
def test_a_digest_of_code_follows_from_the_libraries_it_imports(versions, library):
    before = code_digest(CHECKS)
    code_digest.cache_clear()
    versions[library] = "0.0.1"
    assert code_digest(CHECKS) != before


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


def test_a_digest_of_code_follows_from_the_code_of_what_it_imports(monkeypatch, tmp_path):
    from ripple import digests

    before, real = code_digest(CHECKS), digests._file
    code_digest.cache_clear()
    changed = tmp_path / "contract.py"
    changed.write_text(real("ripple.features.tables.contract").read_text(encoding="utf-8") + "\n# changed\n")
    other = {"ripple.features.tables.contract": changed}
    monkeypatch.setattr(digests, "_file", lambda module: other.get(module) or real(module))
    assert code_digest(CHECKS) != before
