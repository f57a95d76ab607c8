"""The progress bar of a load: on a terminal and in a notebook, silent in a pipe."""

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from mtasts_analysis import arguments
from mtasts_analysis.archive import units
from mtasts_analysis.archive.items import REFUSED, REPORT, Item

HEADLESS = "MTASTS_ANALYSIS_HEADLESS"
"""Set in a kernel that runs a notebook for a page: a bar would stay on it, stopped."""


class Progress:
    """Bytes read of how many, the time left, reports, reports a second, and what was rejected."""

    def __init__(self, bar: Any = None, advance: Callable[[int], None] | None = None) -> None:
        self._bar = bar
        self._told = advance
        self._began = time.monotonic()
        self._reports = self._rejected = 0

    def advance(self, size: int) -> None:
        """Say that so many bytes more were read."""
        if self._bar is not None:
            self._bar.update(size)
        if self._told is not None:
            self._told(size)

    def add(self, reports: int, rejected: int) -> None:
        """Say that so many reports more were read, and so many items rejected."""
        self._reports += reports
        self._rejected += rejected
        if self._bar is not None:
            rate = self._reports / max(time.monotonic() - self._began, 1e-3)
            self._bar.set_postfix(
                {"reports": f"{self._reports:,}", "reports/s": f"{rate:,.0f}"}
                | ({"rejected": f"{self._rejected:,}"} if self._rejected else {}),
                refresh=False,
            )

    def watch(self, items: Iterable[Item]) -> Iterator[Item]:
        """Give items as they come, and count them."""
        if self._bar is None:
            yield from items
            return
        reports = rejected = 0
        for item in items:
            if item.form == REPORT:
                reports += 1
            elif item.form == REFUSED:
                rejected += 1
            if reports + rejected >= 500:
                self.add(reports, rejected)
                reports = rejected = 0
            yield item


@contextmanager
def bar(
    files: list[str | Item],
    shown: bool | Callable[[int], None] | None,
    starts: dict[str, int] | None = None,
) -> Iterator[Progress]:
    """Give a bar for some files; one that shows nothing where nobody watches.

    Parameters
    ----------
    files
        What :func:`mtasts_analysis.archive.finding.files` gives.
    shown
        Show it or not; by default where a person watches. Or a function that is told the bytes.
    starts
        Of a file: from which byte on it is to be read.
    """
    expect(shown)
    if callable(shown):
        yield Progress(advance=shown)
    elif watched() if shown is None else shown:
        from tqdm.auto import tqdm  # noqa: PLC0415  # slow to import, and only wanted here

        paths = [file for file in files if isinstance(file, str)]
        total = (
            None
            if "-" in paths
            else sum(units.size(path) - (starts or {}).get(path, 0) for path in paths)
        )
        with tqdm(total=total, unit="B", unit_scale=True, desc="loading", leave=False) as made:
            yield Progress(made)
    else:
        yield Progress()


def expect(progress: object) -> None:
    """Refuse what says neither whether a bar is shown nor who is told."""
    if progress is not None and not callable(progress):
        arguments.instance("progress", progress, bool, "True, False, None, or a function")


def watched() -> bool:
    """Tell whether a person watches: a terminal, or a notebook's kernel that is not run for a page."""
    if os.environ.get(HEADLESS):
        return False
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return sys.stderr.isatty() or (shell is not None and shell.has_trait("kernel"))
