"""What comes with the package beside code: the notebooks and the sample archive."""

import shutil
from pathlib import Path

from mtasts_analysis import arguments
from mtasts_analysis.errors import OutputError
from mtasts_analysis.wording import plainly

_PACKAGE = Path(__file__).resolve().parent
_BUNDLED = _PACKAGE / "_bundled"
"""Where a wheel holds them; in a checkout they lie beside the package."""


def _root() -> Path:
    return _BUNDLED if _BUNDLED.is_dir() else _PACKAGE.parent


def sample_archive() -> Path:
    """Give the folder of the made-up sample archive (see data/README.md).

    Returns
    -------
    pathlib.Path
        A folder that :func:`mtasts_analysis.load` takes.

    Examples
    --------
    >>> sample_archive().name
    'sample'
    """
    return _root() / "data" / "sample"


def notebooks() -> list[Path]:
    """Give the notebooks in the order in which they are read."""
    return sorted((_root() / "notebooks").glob("[0-9]*.ipynb"))


def lay_out_notebooks(target: str | Path) -> list[Path]:
    """Copy the notebooks and the sample archive to a folder to work in.

    Parameters
    ----------
    target
        A folder; it is made if need be. A notebook that is already there stays as it is.

    Returns
    -------
    list of pathlib.Path
        The notebooks there.

    Raises
    ------
    InputError
        It is no path on this machine.
    OutputError
        The folder cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> import mtasts_analysis as ma
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     ma.lay_out_notebooks(folder)[0].name
    '00_start_here.ipynb'
    """
    folder = arguments.path("target", target, "a folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        laid = []
        for source in notebooks():
            there = folder / source.name
            if not there.exists():
                shutil.copyfile(source, there)
            laid.append(there)
        shutil.copytree(sample_archive(), folder / "sample", dirs_exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"{folder}: expected a folder to write notebooks to; {plainly(error)}"
        ) from error
    return laid
