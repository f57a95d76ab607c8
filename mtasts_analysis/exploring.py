"""The panel, with the loader behind its upload box."""

import io
from collections.abc import Callable, Sequence
from zipfile import ZipFile

from mtasts_analysis import arguments
from mtasts_analysis.analysis.facts import Data, facts_of
from mtasts_analysis.analysis.filters import Filter, chosen
from mtasts_analysis.data import Archive, load
from mtasts_analysis.show.panel import Panel


def explore(data: Data, where: Filter | None = None, *, name: str = "panel") -> Panel:
    """Open the panel on an archive: filters, pictures and tables that follow each other.

    Parameters
    ----------
    data
        A loaded archive, or a store.
    where
        The filter to begin with. Without one, a panel that is opened again, as a cell that is run
        again does, keeps what was selected.
    name
        Panels of several names keep several selections.

    Returns
    -------
    Panel
        A widget for JupyterLab 4 and notebook 7; `panel.where` is its filter, `panel.frame` the table
        and `panel.plot` the picture that it shows. A page without a kernel shows these two.

    Raises
    ------
    InputError
        No archive, no filter, or no name.

    Examples
    --------
    >>> import mtasts_analysis as ma
    >>> panel = ma.explore(ma.load(ma.sample_archive(), progress=False))
    >>> panel.show(ma.Filter(domains="clinic.example"), view="failures")
    >>> panel.plot  # doctest: +ELLIPSIS
    <Plot: certificate-expired leads with 996 of 1,243 failed sessions; domain clinic.example; not drawn: 74 ...>
    """
    facts_of(data)
    arguments.instance("name", name, str, "a text")
    return Panel(data, where if where is None else chosen(where), name, _read)


def _read(files: Sequence[tuple[str, bytes]], advance: Callable[[int], None]) -> Archive:
    """Load files that were dropped together as one archive: a report in two of them counts once."""
    if len(files) == 1:
        return load(files[0][1], progress=advance)
    whole = io.BytesIO()
    with ZipFile(whole, "w") as archive:
        for number, (name, content) in enumerate(files, 1):
            archive.writestr(f"{number}/{name}", content)
    return load(whole.getvalue(), progress=advance)
