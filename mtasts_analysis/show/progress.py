"""The progress bar of a load: on a terminal and in a notebook, silent in a pipe."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mtasts_analysis.archive.sources import REFUSED, REPORT, Item, Reader, read_all

HEADLESS = "MTASTS_ANALYSIS_HEADLESS"
"""Set in a kernel that runs a notebook for a page: a bar would stay on it, stopped."""


@contextmanager
def bar(files: list[str | Item], reader: Reader) -> Iterator[Iterator[Item]]:
    """Give the items of some files, with a bar that shows bytes, reports and what was rejected.

    Parameters
    ----------
    files
        What :func:`mtasts_analysis.archive.sources.files` gives.
    reader
        Reads a file.
    """
    from tqdm.auto import tqdm  # noqa: PLC0415  # slow to import, and only wanted here

    paths = [file for file in files if isinstance(file, str)]
    total = None if "-" in paths else sum(_size(path) for path in paths)
    with tqdm(total=total, unit="B", unit_scale=True, desc="loading", leave=False) as shown:

        def items() -> Iterator[Item]:
            reports = rejected = 0
            for item in read_all(files, reader, lambda size: _advance(shown, size)):
                if item.form == REPORT:
                    reports += 1
                elif item.form == REFUSED:
                    rejected += 1
                if not (reports + rejected) % 500:
                    shown.set_postfix(reports=reports, rejected=rejected, refresh=False)
                yield item

        yield items()


def _advance(shown: Any, size: int) -> None:
    shown.update(size)


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0


def watched() -> bool:
    """Tell whether a person watches: a terminal, or a notebook's kernel that is not run for a page."""
    if os.environ.get(HEADLESS):
        return False
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return sys.stderr.isatty() or (shell is not None and shell.has_trait("kernel"))
