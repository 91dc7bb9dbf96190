import fcntl
import os
import signal
import subprocess
import sys

import pytest

from ripple.locks import exclusive, lock, share, unshared
from tests.support.checkout import ROOT

LOCKING = """
import sys
from pathlib import Path
from ripple.locks import lock

print(lock(Path(sys.argv[1])), flush=True)
sys.stdin.read()
"""


def test_a_folder_belongs_to_one_process_until_it_ends(tmp_path):
    folder = tmp_path / "not there yet"
    with subprocess.Popen(
        [sys.executable, "-c", LOCKING, folder],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout.readline() == "True\n"
        assert lock(folder) is False
        os.kill(other.pid, signal.SIGKILL)
    assert lock(folder) is True
    assert lock(folder) is True


def test_a_file_is_held_by_one_process_at_a_time(tmp_path):
    with exclusive(tmp_path / "lock"):
        handle = os.open(tmp_path / "lock", os.O_RDWR)
        with pytest.raises(BlockingIOError):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(handle)


def test_a_file_that_another_one_holds_is_waited_for_no_longer_than_allowed(tmp_path):
    with exclusive(tmp_path / "lock"), pytest.raises(TimeoutError), exclusive(tmp_path / "lock", 0.0):
        pass
    with exclusive(tmp_path / "lock", 0.0):
        pass


def test_a_file_is_shared_until_the_last_one_lets_it_go(tmp_path):
    (tmp_path / "file").touch()
    handles = [share(tmp_path / "file") for _ in range(2)]
    for handle in handles:
        with unshared(tmp_path / "file") as nobody:
            assert not nobody
        os.close(handle)
    with unshared(tmp_path / "file") as nobody:
        assert nobody
        with pytest.raises(BlockingIOError):
            share(tmp_path / "file")


def test_nobody_shares_a_file_that_is_not_there(tmp_path):
    with unshared(tmp_path / "file") as nobody:
        assert nobody
    with pytest.raises(FileNotFoundError):
        share(tmp_path / "file")
