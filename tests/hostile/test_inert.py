"""Loading does nothing but read: no network, no process, no write, proven by an audit hook.

Every `ma.load` of tests/archive and tests/hostile runs under the hook of tests/inert.py. Here is shown that it sees,
and what exports do besides: in a process of its own, they write where they were asked to and nowhere else.
"""

import contextlib
import subprocess
import sys

import pytest

import mtasts_analysis as ma
from mtasts_analysis.archive import load as loading
from tests.conftest import ROOT

PROGRAM = """
import sys, pathlib
import mtasts_analysis as ma
from tests.hostile import inputs
from tests.inert import offence

out = pathlib.Path(sys.argv[1])
seen = []


def hook(event, given):
    # XlsxWriter has its scratch folder where the workbook is to stand.
    if offence(event, given) and not own(given):
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


SINS = {
    "a connection": "import socket; socket.create_connection(('127.0.0.1', 9))",
    "a question to DNS": "import socket; socket.getaddrinfo('localhost', 1)",
    "a process": "import subprocess; subprocess.run(['true'])",
    "a shell": "import os; os.system('true')",
    "a fork": "import os; os.fork() or os._exit(0)",
    "a file written": "open(path, 'w').close()",
    "a file made by its number": "import os; os.close(os.open(path, os.O_CREAT | os.O_WRONLY))",
    "a temporary file": "import tempfile; tempfile.TemporaryFile().close()",
    "a folder": "import os; os.mkdir(path)",
    "a file removed": "import os; os.remove(path)",
    "a link": "import os; os.symlink('x', path)",
    "a pickle": "import pickle; pickle.loads(pickle.dumps(ValueError))",
}


@pytest.mark.parametrize("sin", SINS.values(), ids=SINS)
def test_the_suite_s_hook_sees(sin, tmp_path, monkeypatch):
    """Had the loader done it, the test in which it did would have failed."""
    done = compile(sin, "sin", "exec")
    real = loading.load_tables

    def sinning(*given, **named):
        with contextlib.suppress(OSError):
            exec(done, {"path": str(tmp_path / "x")})
        return real(*given, **named)

    assert ma.load(b"{}").accounting.items == 1
    monkeypatch.setattr(loading, "load_tables", sinning)
    with pytest.raises(AssertionError, match="loading is not inert"):
        ma.load(b"{}")
