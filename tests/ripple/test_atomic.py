import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ripple import atomic
from tests.support.checkout import ROOT

KILLED = """
import os, pathlib, signal, sys
from ripple import atomic
path, form, when = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]
kill = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
if when == "before":
    pathlib.Path.replace = pathlib.Path.rename = kill
if when == "between":
    rename, calls = pathlib.Path.rename, []
    pathlib.Path.rename = lambda *given: kill() if calls else calls.append(rename(*given))
with getattr(atomic, form)(path) as building:
    if form == "file":
        building.write_text("half")
    else:
        (building / "a").write_text("half")
    if when == "inside":
        kill()
"""


def put(form: str, path: Path, content: str) -> None:
    with getattr(atomic, form)(path) as building:
        if form == "file":
            building.write_text(content)
        else:
            (building / "sub").mkdir()
            (building / "sub" / "a").write_text(content)


def content(form: str, path: Path) -> str:
    return (path if form == "file" else path / "sub" / "a").read_text()


def kill(form: str, path: Path, when: str) -> int:
    """The id of the process that was killed."""
    command = [sys.executable, "-c", KILLED, str(path), form, when]
    with subprocess.Popen(command, cwd=ROOT) as process:
        assert process.wait() == -signal.SIGKILL
    return process.pid


@pytest.fixture(params=["file", "folder"])
def form(request):
    return request.param


def test_it_appears_with_its_content_and_its_parents(form, tmp_path):
    path = tmp_path / "some" / "where" / "thing"
    put(form, path, "one")
    assert content(form, path) == "one"
    assert list(path.parent.iterdir()) == [path]


def test_former_content_is_replaced_whole(form, tmp_path):
    path = tmp_path / "thing"
    put(form, path, "one")
    if form == "folder":
        (path / "more").write_text("of the first")
    put(form, path, "two")
    assert content(form, path) == "two"
    assert not (path / "more").exists()
    assert list(tmp_path.iterdir()) == [path]


def test_nothing_is_visible_before_the_block_ends(form, tmp_path):
    path = tmp_path / "thing"
    with getattr(atomic, form)(path) as building:
        if form == "file":
            building.write_text("half")
        assert not path.exists()
        assert building.parent == tmp_path
        assert building.name.startswith(".thing.")
    assert path.exists()


@pytest.mark.parametrize("failure", [RuntimeError("no"), KeyboardInterrupt("no")])
def test_an_exception_leaves_what_was_there(form, tmp_path, failure):
    path = tmp_path / "thing"

    def fail() -> None:
        with getattr(atomic, form)(path) as building:
            (building if form == "file" else building / "a").write_text("half")
            raise failure

    with pytest.raises(type(failure), match="no"):
        fail()
    assert list(tmp_path.iterdir()) == []
    put(form, path, "one")
    with pytest.raises(type(failure), match="no"):
        fail()
    assert content(form, path) == "one"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_cannot_be_put_in_place_leaves_what_was_there(tmp_path, monkeypatch):
    path = tmp_path / "thing"
    put("folder", path, "one")
    rename = Path.rename

    def fail(self: Path, target: Path) -> Path:
        if self.name.endswith(".part"):
            raise OSError("no")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(OSError, match="no"):
        put("folder", path, "two")
    assert content("folder", path) == "one"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("when", ["inside", "before"])
def test_a_killed_process_leaves_what_was_there(form, tmp_path, when):
    path = tmp_path / "thing"
    kill(form, path, when)
    assert not path.exists()
    put(form, path, "one")
    kill(form, path, when)
    assert content(form, path) == "one"
    assert all(left.name.startswith(".thing.") for left in tmp_path.iterdir() if left != path)
    put(form, path, "two")
    assert content(form, path) == "two"


def test_killed_between_the_two_renames_a_folder_is_absent_and_its_former_self_hidden(tmp_path):
    path = tmp_path / "thing"
    put("folder", path, "one")
    kill("folder", path, "between")
    assert not path.exists()
    [former] = tmp_path.glob(".thing.*.replaced")
    assert content("folder", former) == "one"
    put("folder", path, "two")
    assert content("folder", path) == "two"


def test_what_a_killed_process_left_is_in_nobodys_way(form, tmp_path, monkeypatch):
    # a container starts its process under the same id again
    path = tmp_path / "thing"
    pid = kill(form, path, "inside")
    monkeypatch.setattr(os, "getpid", lambda: pid)
    put(form, path, "one")
    assert content(form, path) == "one"


def test_two_writers_at_once_do_not_meet(form, tmp_path):
    path = tmp_path / "thing"
    with getattr(atomic, form)(path) as building:
        put(form, path, "one")
        if form == "file":
            building.write_text("two")
        else:
            (building / "sub").mkdir()
            (building / "sub" / "a").write_text("two")
    assert content(form, path) == "two"
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_killed_process_left_is_removed_and_nothing_else(tmp_path):
    for form in ("file", "folder"):
        subprocess.run([sys.executable, "-c", KILLED, tmp_path / form, form, "inside"], cwd=ROOT, check=False)
    put("file", tmp_path / "kept", "kept")
    (tmp_path / ".hidden").touch()
    assert len(list(tmp_path.iterdir())) == 4
    atomic.remove_unfinished(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"kept", ".hidden"}
