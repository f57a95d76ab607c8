"""Loading does nothing but read: no network, no process, no write, proven by an audit hook.

In a process of its own, since a hook cannot be taken away again.
"""

import subprocess
import sys

import pytest

from tests.conftest import ROOT

PROGRAM = """
import sys, pathlib
import mtasts_analysis as ma
from tests.hostile import inputs

out = pathlib.Path(sys.argv[1])
seen = []


def hook(event, given):
    family = event.partition(".")[0]
    if family == "shutil" and own(given):
        return  # XlsxWriter's own scratch folder
    if family in {"socket", "subprocess", "shutil", "ftplib", "http", "smtplib", "urllib", "webbrowser", "pty", "winreg"}:
        seen.append((event, str(given)[:200]))
    elif event in {"os.system", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.kill", "os.chmod", "os.chown",
                   "os.link", "os.symlink", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.truncate", "os.utime", "os.putenv",
                   "pickle.find_class", "tempfile.mkstemp", "tempfile.mkdtemp"}:
        if not own(given):
            seen.append((event, str(given)[:200]))
    elif event == "open":
        path, mode, flags = given
        writes = isinstance(flags, int) and flags & 0b11
        if (writes or (mode is not None and not set(mode) <= set("rbt"))) and not own(given):
            seen.append((event, str(given)[:200]))


def own(given):
    # What goes to the folder that was asked for.
    return any(isinstance(g, (str, bytes, pathlib.Path)) and str(g).startswith(str(out)) for g in given)


def imported():
    # The first of each kind imports what it needs: the parsers of an extra, Arrow's kernels.
    from tests.archive.building import mail, packed
    ma.load(b"\\xd0\\xcf\\x11\\xe0\\xa1\\xb1\\x1a\\xe1")
    data = ma.load(mail(packed()))
    for format in ("parquet", "csv", "xlsx", "jsonl"):
        data.export(out / "first", format=format)
    repr(data), data._repr_html_()


imported()
sys.dont_write_bytecode = True
sys.addaudithook(hook)
{act}
for event in seen:
    print(*event)
print("loaded", count, "seen", len(seen))
"""

LOADS = """
count = 0
for one in inputs.named():
    if not one.slow:
        raw = one.make()
        data = ma.load(raw)
        count += 1
folder = pathlib.Path(sys.argv[2])
for path in (folder, *sorted(folder.iterdir())):
    data = ma.load(path, workers=1, progress=False)
    count += 1
repr(data), data._repr_html_()
for format in ("parquet", "csv", "xlsx", "jsonl"):
    data.export(out / format, format=format)
"""


def run(act, tmp_path):
    program = PROGRAM.replace("{act}", act)
    call = [sys.executable, "-c", program, str(tmp_path), str(ROOT / "data" / "sample")]
    done = subprocess.run(call, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.slow
def test_loading_and_exporting_only_read_and_write_where_asked(tmp_path):
    *events, last = run(LOADS, tmp_path)

    assert events == []
    assert int(last.split()[1]) > 250


@pytest.mark.parametrize(
    "act",
    [
        "count = 0; import socket; socket.socket()",
        "count = 0; import subprocess; subprocess.run(['true'])",
        "count = 0; open(sys.argv[2] + '/../../out-of-place', 'a').close(); import os; os.remove(sys.argv[2] + '/../../out-of-place')",
    ],
    ids=["a socket", "a process", "a write"],
)
def test_the_hook_sees(act, tmp_path):
    """What it is there for."""
    assert len(run(act, tmp_path)) > 1
