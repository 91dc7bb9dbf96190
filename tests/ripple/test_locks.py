import fcntl
import os
import signal
import subprocess
import sys

import pytest

from ripple.locks import exclusive, lock
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
