"""The progress bar of a load: on a terminal and in a notebook, silent in a pipe."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mtasts_analysis.archive.sources import REFUSED, REPORT, Item, Reader

HEADLESS = "MTASTS_ANALYSIS_HEADLESS"
"""Set in a kernel that runs a notebook for a page: a bar would stay on it, stopped."""


@contextmanager
def silent(items: Iterator[Item]) -> Iterator[Iterator[Item]]:
    """Give items as they are."""
    yield items


@contextmanager
def shown(files: list[str | Item], reader: Reader, wanted: bool | None) -> Iterator[Iterator[Item]]:
    """Give the items of some files, with a bar where one is wanted.

    Parameters
    ----------
    files
        What :func:`mtasts_analysis.archive.sources.files` gives.
    reader
        Reads a file.
    wanted
        None: where a person watches.
    """
    if not (_watched() if wanted is None else wanted):
        yield (
            item
            for file in files
            for item in ([file] if isinstance(file, Item) else reader.path(file))
        )
        return
    from tqdm.auto import tqdm  # noqa: PLC0415  # slow to import, and only wanted here

    paths = [file for file in files if isinstance(file, str)]
    total = None if "-" in paths else sum(_size(path) for path in paths)
    with tqdm(total=total, unit="B", unit_scale=True, desc="loading", leave=False) as bar:

        def items() -> Iterator[Item]:
            reports = problems = 0
            for file in files:
                for item in (
                    [file]
                    if isinstance(file, Item)
                    else reader.path(file, lambda size: _advance(bar, size))
                ):
                    if item.form == REPORT:
                        reports += 1
                    elif item.form == REFUSED:
                        problems += 1
                    if not (reports + problems) % 500:
                        bar.set_postfix(reports=reports, rejected=problems, refresh=False)
                    yield item

        yield items()


def _advance(bar: Any, size: int) -> None:
    bar.update(size)


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0


def _watched() -> bool:
    """Tell whether a person watches: a terminal, or a notebook's kernel that is not run for a page."""
    if os.environ.get(HEADLESS):
        return False
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return sys.stderr.isatty() or (shell is not None and shell.has_trait("kernel"))
