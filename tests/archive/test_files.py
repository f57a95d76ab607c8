"""A crash costs nothing: whatever breaks off when, what is read is the old or the new, exactly.

`to_parquet()` and `export()` are killed at random moments, and each call they make to the system fails in
turn. The store's and the alerts' own tests do the same to them.
"""

import errno
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import mtasts_analysis as ma
from mtasts_analysis.archive import files
from tests.archive.building import text
from tests.conftest import ROOT

OLD = ma.load(b"\n".join(text(n) for n in range(3)))
NEW = ma.load(b"\n".join(text(n) for n in range(10, 15)))
READ = {"parquet": ma.read_parquet, "csv": ma.read_csv}


def is_one_of(read, *written):
    return any(
        all(read.tables[name].equals(one.tables[name]) for name in one.tables) for one in written
    )


def leftovers(folder):
    return [p.name for p in folder.iterdir() if p.name.startswith(".")]


CALLS = ("fsync", "open", "replace", "rename", "unlink", "mkdir", "listdir", "scandir")


class Failing:
    """Makes the k-th call to the system fail."""

    def __init__(self, monkeypatch, k, code):
        self.left = k
        self.code = code
        for name in CALLS:
            monkeypatch.setattr(os, name, self.wrapped(getattr(os, name)))

    def wrapped(self, call):
        def failing(*given, **named):
            self.left -= 1
            if self.left == 0:
                raise OSError(self.code, os.strerror(self.code))
            return call(*given, **named)

        return failing


@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC, errno.EMFILE], ids=errno.errorcode.get)
@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_each_call_fails_in_turn(kind, code, tmp_path, monkeypatch):
    failed = 0
    for k in range(1, 200):
        folder = tmp_path / str(k)
        OLD.export(folder, format=kind)
        with monkeypatch.context() as patch:
            failing = Failing(patch, k, code)
            try:
                NEW.export(folder, format=kind)
            except ma.OutputError as error:
                assert str(folder) in str(error)
                assert os.strerror(code) in str(error)
                failed += 1
            over = failing.left > 0
        assert is_one_of(READ[kind](folder), OLD, NEW), k
        NEW.export(folder, format=kind)
        assert is_one_of(READ[kind](folder), NEW)
        assert leftovers(folder) == []
        if over:
            break
    assert failed > 8
    assert over


FULL = """
import resource, sys
import mtasts_analysis as ma
from tests.archive.test_files import NEW
folder, kind, most = sys.argv[1:]
resource.setrlimit(resource.RLIMIT_FSIZE, (int(most), int(most)))
try:
    NEW.export(folder, format=kind)
except ma.OutputError as error:
    print(error)
"""


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["parquet", "csv", "jsonl", "xlsx"])
def test_no_room(kind, tmp_path):
    """A file that may not grow stands for a disk that is full: it fails in Arrow's own writes too."""
    OLD.export(tmp_path, format=kind)
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    for most in (10, 1_000, 3_000):
        call = [sys.executable, "-c", FULL, str(tmp_path), kind, str(most)]
        done = subprocess.run(call, capture_output=True, text=True, cwd=ROOT, check=False)
        assert done.returncode == 0, done.stderr
        assert done.stdout.count("\n") == 1, done.stdout
        assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes where it likes")
def test_a_folder_that_is_read_only(tmp_path):
    OLD.export(tmp_path)
    tmp_path.chmod(0o555)
    with pytest.raises(ma.OutputError, match="Permission denied"):
        NEW.export(tmp_path)
    tmp_path.chmod(0o755)
    assert is_one_of(ma.read_parquet(tmp_path), OLD)


def test_a_file_where_the_folder_should_be(tmp_path):
    (tmp_path / "out").write_text("mine")
    with pytest.raises(ma.OutputError, match="expected a folder"):
        NEW.export(tmp_path / "out")
    assert (tmp_path / "out").read_text() == "mine"


def killed(folder, kind, times, dice):
    """Write the old and the new in turns and be killed, again and again; give how often it was mid-way."""
    midway = tries = 0
    # On a busy machine most die before they wrote: more are tried then.
    while tries < times or (midway <= times // 4 and tries < 10 * times):
        tries += 1
        child = os.fork()
        if not child:
            try:
                while True:
                    NEW.export(folder, format=kind)
                    OLD.export(folder, format=kind)
            finally:
                os._exit(1)
        time.sleep(dice.uniform(0.001, 0.06))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        midway += bool(leftovers(folder))
        if kind in READ:
            assert is_one_of(READ[kind](folder), OLD, NEW)
        files.settle(folder)
        assert leftovers(folder) == []
    NEW.export(folder, format=kind)
    if kind in READ:
        assert is_one_of(READ[kind](folder), NEW)
    return midway


def crash(folder, kind, times):
    Path(folder).mkdir(parents=True, exist_ok=True)
    OLD.export(folder, format=kind)
    print(killed(Path(folder), kind, int(times), random.Random(8460)))


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "times"), [("parquet", 120), ("csv", 60), ("xlsx", 20)])
def test_killed_at_random_moments(kind, times, tmp_path):
    """200 times in all. In a process of its own, which forks: pytest's has threads."""
    program = (
        f"from tests.archive.test_files import crash; crash({str(tmp_path)!r}, {kind!r}, {times})"
    )
    call = [sys.executable, "-W", "ignore", "-c", program]
    done = subprocess.run(call, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    # It was in the middle of something, most times: else this would prove nothing.
    assert int(done.stdout) > times // 4


def test_what_was_committed_is_finished_by_whoever_comes_next(tmp_path):
    OLD.export(tmp_path)
    NEW.export(tmp_path / "aside")
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    token = f"{dead.pid}-7"
    names = [f"{name}.parquet" for name in NEW.tables]
    for name in names[1:]:  # the first took its place before the process died
        os.replace(tmp_path / "aside" / name, tmp_path / f".{name}.{token}.part")
    os.replace(tmp_path / "aside" / names[0], tmp_path / names[0])
    (tmp_path / f".{token}.commit").write_text(str(names).replace("'", '"'))
    assert is_one_of(ma.read_parquet(tmp_path), NEW)
    assert leftovers(tmp_path) == []


def test_what_another_process_is_writing_is_left_alone(tmp_path):
    OLD.export(tmp_path)
    (tmp_path / f".reports.parquet.{os.getppid()}-0.part").write_text("half")
    NEW.export(tmp_path)
    assert leftovers(tmp_path) == [f".reports.parquet.{os.getppid()}-0.part"]
