"""What loading may not do, as an audit hook sees it; and each test's `load` under that hook.

A hook cannot be taken away again, so there is one in each process, with a switch.
"""

import functools
import os
import sys
from contextlib import contextmanager

import pytest

import mtasts_analysis as ma
from mtasts_analysis import data as home
from tests.archive.building import mail, packed

_FAMILIES = {
    "socket", "subprocess", "shutil", "ftplib", "http", "smtplib", "imaplib", "poplib", "urllib", "webbrowser",
    "pty", "winreg", "sqlite3", "syslog", "ctypes",
}  # fmt: skip
_EVENTS = {
    "os.system", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.kill", "os.chmod", "os.chown",
    "os.link", "os.symlink", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.truncate", "os.utime", "os.putenv",
    "os.unsetenv", "pickle.find_class", "tempfile.mkstemp", "tempfile.mkdtemp",
}  # fmt: skip


def offence(event, given):
    """Tell whether an event is more than reading."""
    if event == "open":
        _, mode, flags = given
        writes = isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        return bool(writes) or (isinstance(mode, str) and not set(mode) <= set("rbtU"))
    return event in _EVENTS or event.partition(".")[0] in _FAMILIES


_switch = {"on": False, "busy": False}
_seen = []


def _hook(event, given):
    if _switch["on"] and not _switch["busy"] and offence(event, given):
        _switch["busy"] = True
        _seen.append(f"{event} {given!r:.200}")
        _switch["busy"] = False


@contextmanager
def watched():
    """Whatever is done within may only read."""
    _seen.clear()
    _switch["on"] = True
    try:
        yield
    finally:
        _switch["on"] = False
    assert not _seen, f"loading is not inert: {_seen}"


def watching(load):
    """Give `load` under the hook, where it is asked for by default: this process, no question to DNS."""

    @functools.wraps(load)
    def call(paths, **named):
        if named.get("dkim") or named.get("executor") or (named.get("workers") or 1) > 1:
            return load(paths, **named)
        with watched():
            return load(paths, **named)

    return call


@functools.cache
def _ready():
    """Hook this process; let each part import what it needs the first time it is used."""
    ma.load(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
    ma.load(mail(packed()))
    sys.dont_write_bytecode = True  # what is imported later leaves no file
    sys.addaudithook(_hook)


@pytest.fixture(autouse=True)
def _inert(monkeypatch):
    """Each `ma.load` of these tests is watched."""
    _ready()
    under = watching(home.load)
    monkeypatch.setattr(home, "load", under)
    monkeypatch.setattr(ma, "load", under)
