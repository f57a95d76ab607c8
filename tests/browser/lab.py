"""A real JupyterLab and a real Chromium, on loopback, with nothing of the user's own settings."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager, suppress
from pathlib import Path

PATIENCE = 180
"""Seconds that a page is waited for: on a busy machine a kernel may have to stand in a queue."""

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
_FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


@contextmanager
def jupyterlab(folder: Path):
    """Serve a folder; gives its address and token."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    private = folder / ".private"
    names = ("CONFIG_DIR", "DATA_DIR", "RUNTIME_DIR")
    env = os.environ | {f"JUPYTER_{name}": str(private / name) for name in names}
    env |= {
        "JUPYTERLAB_SETTINGS_DIR": str(private / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(private / "workspaces"),
        "IPYTHONDIR": str(private / "ipython"),
        "MPLCONFIGDIR": str(private / "mpl"),
    }
    settings = private / "settings" / "@jupyterlab"
    for name, value in {
        "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
        "notebook-extension/tracker": {"windowingMode": "none"},
    }.items():
        path = settings / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(value))
    token = "a-token-for-tests"
    log = (private / "lab.log").open("wb")
    server = subprocess.Popen(
        [
            sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ServerApp.ip=127.0.0.1",
            f"--ServerApp.port={port}", "--ServerApp.port_retries=0", f"--IdentityProvider.token={token}",
            f"--ServerApp.root_dir={folder}",
        ],
        env=env, stdout=log, stderr=log,
    )  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    try:
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            with suppress(OSError):
                urllib.request.urlopen(f"{address}/api?token={token}", timeout=1)
                break
            assert server.poll() is None, (private / "lab.log").read_text()
            time.sleep(0.25)
        yield address, token
    finally:
        server.terminate()
        server.wait(20)
        log.close()


@contextmanager
def chromium():
    """Give a browser; a test that asks beyond loopback sees it fail."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, headless=True, args=_FLAGS)
        try:
            yield browser
        finally:
            browser.close()


def open_and_run(page, address, token, name, *, app="doc/tree"):
    """Open a notebook in JupyterLab, or with `app="notebooks"` in Notebook 7, and run all of its cells."""
    page.set_default_timeout(1000 * PATIENCE)
    page.goto(f"{address}/{app}/{name}?token={token}&reset")
    if app == "doc/tree":
        page.locator(".jp-StatusBar-TextItem", has_text="| Idle").wait_for()
    else:
        # Notebook 7 shows no sign that its kernel is there, and asks which one to take when cells are to run before.
        asked = page.locator("dialog.jp-Dialog")
        accept = asked.locator(".jp-mod-accept").last
        # Where the machine is busy the first click may come before who waits for it: it is asked again.
        page.add_locator_handler(asked, lambda: accept.click(timeout=5_000), no_wait_after=True)
    run_all(page)


def run_all(page):
    """Run all cells; a wish that comes before the kernel may be dropped, so it is made again."""
    before, end = prompts(page), time.monotonic() + PATIENCE
    while time.monotonic() < end:
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.locator(".lm-Menu-item[data-command='runmenu:run-all']").click()
        for _ in range(40):
            page.wait_for_timeout(500)
            now = prompts(page)
            if now == before:
                break  # dropped
            if all(re.fullmatch(r"\[\d+\]:?", t) for t in now) and not set(now) & set(before):
                return
    raise AssertionError(f"the cells did not run: {prompts(page)}")


def prompts(page):
    """Give the cells' prompts: `[ ]:` before, `[*]:` while, and `[3]:` after they ran."""
    found = page.locator(".jp-CodeCell .jp-InputPrompt").all_inner_texts()
    return [text.strip() for text in found]
