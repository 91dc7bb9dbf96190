from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ripple.models import Bundle
from ripple.serving.publications.publication import (
    PublicationError,
    is_complete,
    load_publication,
    read_documentation,
    reproduces_scores,
    write_publication,
)
from ripple.serving.publications.stores import FolderStore
from tests.support.checkout import ROOT


@pytest.mark.parametrize(
    "file", ["snapshot.arrow", "bundle/value.txt", "bundle/bundle.json", "manifest.json"]
)
def test_a_publication_that_was_changed_is_refused(file: str, published: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(published, tmp_path / "copy") / file
    content = bytearray(copy.read_bytes())
    content[len(content) // 2] ^= 1
    copy.write_bytes(content)
    with pytest.raises(PublicationError):
        load_publication(tmp_path / "copy", "copy")


@pytest.mark.parametrize("file", ["snapshot.arrow", "bundle/top.txt", "manifest.json"])
def test_a_publication_that_is_not_whole_is_refused(file: str, published: Path, tmp_path: Path) -> None:
    (shutil.copytree(published, tmp_path / "copy") / file).unlink()
    with pytest.raises(PublicationError, match="is no publication"):
        load_publication(tmp_path / "copy", "copy")


@pytest.mark.parametrize(
    "content",
    [
        "[]",
        "null",
        '"text"',
        "{}",
        '{"version": "1"}',
        '{"version": "1", "files": {}}',
        '{"version": "1", "files": []}',
        '{"version": "1", "files": {"snapshot.arrow": null}}',
        '{"version": "1", "files": {"": ""}}',
        '{"version": 1, "files": {"snapshot.arrow": ""}}',
        "[" * 10_000,
    ],
)
def test_a_manifest_of_another_shape_is_refused_and_mended(
    content: str, published: Path, tmp_path: Path
) -> None:
    store = FolderStore(tmp_path)
    store.publish(published, published.name)
    folder = tmp_path / "publications" / published.name
    (folder / "manifest.json").write_text(content)
    with pytest.raises(PublicationError, match="is no publication"):
        load_publication(folder, published.name)
    store.publish(published, published.name)
    assert load_publication(folder, published.name).version == "1"


def test_a_model_that_did_not_score_the_snapshot_is_refused(source: Path, tmp_path: Path) -> None:
    shutil.copytree(source, tmp_path / "other")
    spec = tmp_path / "other/bundle/bundle.json"
    spec.write_text(spec.read_text().replace('"level": 1.07', '"level": 1.08'))
    (tmp_path / "new").mkdir()
    with pytest.raises(PublicationError, match="first customer"):
        write_publication(tmp_path / "new", tmp_path / "other", "1")


def test_the_same_has_the_same_name(published: Path, source: Path, tmp_path: Path) -> None:
    assert write_publication(tmp_path, source, "1") == published.name


def test_a_publication_is_text_and_numbers(published: Path) -> None:
    files = [file for file in published.rglob("*") if file.is_file()]
    assert {file.suffix for file in files} == {".json", ".txt", ".md", ".arrow"}
    for file in files:
        start = file.read_bytes()[:8]
        assert start == b"ARROW1\0\0" if file.suffix == ".arrow" else start.isascii()


WATCHED = """
import sys
from pathlib import Path
from ripple.serving.store_poller import warmed_up_scorer
from ripple.serving.publications.publication import load_publication
folder = Path(sys.argv[1])
warmed_up_scorer(load_publication(folder, folder.name))  # imports what there is to import
events = []
sys.addaudithook(lambda event, _: events.append(event))
warmed_up_scorer(load_publication(folder, folder.name))
assert "open" in events
print(sorted({"exec", "compile", "import", "pickle.find_class", "marshal.loads", "os.system",
              "subprocess.Popen", "ctypes.dlopen"} & set(events)))
"""


def test_reading_a_publication_runs_no_code_and_no_pickle_from_it(published: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WATCHED, published], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_a_folder_is_complete_until_a_file_changes(published: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(published, tmp_path / "copy")
    assert is_complete(copy)
    (copy / "bundle/model_card.md").write_text("# Another\n", encoding="utf-8")
    assert not is_complete(copy)
    assert not is_complete(tmp_path)


def test_documentation_is_optional(published: Path, tmp_path: Path) -> None:
    assert read_documentation(published / "bundle") == {
        "card": "# A model\n",
        "measures": {"capture": 0.5, "coverage": None},
    }
    assert read_documentation(tmp_path) == {"card": None, "measures": None}


def test_scores_are_reproduced_to_the_bit_or_not_at_all(bundle: Bundle) -> None:
    x = np.ones((1, len(bundle.spec.names)))
    scores = bundle.score(pd.DataFrame(x, columns=bundle.spec.names)).to_numpy()
    assert reproduces_scores(bundle, x, scores)
    assert not reproduces_scores(bundle, x, np.nextafter(scores, np.inf))
