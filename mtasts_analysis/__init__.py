"""Is mail to my domains encrypted in transit, who fails and why, and may I go to enforce.

::

    import mtasts_analysis as ma

    data = ma.load(["tlsrpt.mbox", "more/"])  # any archive of TLS reports
    data                                      # what it holds
    data.policies                             # one of four DataFrames
    data.to_parquet("out/")                   # for BI tools
    ma.read_parquet("out/")                   # and back, identical

The map: ``archive`` turns bytes into tables, ``analysis`` tables into answers, ``show`` answers into
what a person sees. Names are loaded when they are first used: the import itself is quick.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mtasts_analysis.archive.load import Accounting
    from mtasts_analysis.archive.parquet import SCHEMA_VERSION
    from mtasts_analysis.bundled import lay_out_notebooks, sample_archive
    from mtasts_analysis.data import Archive, load, read_parquet
    from mtasts_analysis.errors import (
        InputError,
        MissingExtraError,
        MtastsAnalysisError,
        OutputError,
        ProblemError,
        SchemaError,
    )
    from mtasts_analysis.limits import Limits

__version__ = "0.1.0"

_HOMES = {
    "Accounting": "archive.load",
    "Archive": "data",
    "InputError": "errors",
    "Limits": "limits",
    "MissingExtraError": "errors",
    "MtastsAnalysisError": "errors",
    "OutputError": "errors",
    "ProblemError": "errors",
    "SCHEMA_VERSION": "archive.parquet",
    "SchemaError": "errors",
    "lay_out_notebooks": "bundled",
    "load": "data",
    "read_parquet": "data",
    "sample_archive": "bundled",
}

__all__ = [
    "SCHEMA_VERSION",
    "Accounting",
    "Archive",
    "InputError",
    "Limits",
    "MissingExtraError",
    "MtastsAnalysisError",
    "OutputError",
    "ProblemError",
    "SchemaError",
    "lay_out_notebooks",
    "load",
    "read_parquet",
    "sample_archive",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
