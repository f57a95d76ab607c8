"""The errors that this package raises, and nothing else.

::

    MtastsAnalysisError
    ├── InputError          a path or argument that cannot serve (also a ValueError)
    ├── ProblemError        a problem in the input, where ``on_problem="raise"`` asked for it
    ├── SchemaError         Parquet files that are not ours, or newer than this version reads
    ├── OutputError         a target that cannot be written
    ├── StoreError          a store that another process writes to, or that changes as it is read
    ├── WorkerError         a process that was to read a part of the input died
    └── MissingExtraError   a feature whose optional package is not installed (also an ImportError)

Each message says what was expected, what came, and what to do. What a stranger's file holds never
raises by default: it becomes a row of ``problems``. A message may name a file of a stranger's archive, so
it is one line, without controls.
"""

from mtasts_analysis.printable import printable


class MtastsAnalysisError(Exception):
    """The root: ``except MtastsAnalysisError`` catches whatever this package raises on purpose."""

    def __str__(self) -> str:
        return printable(super().__str__())


class InputError(MtastsAnalysisError, ValueError):
    """A path or an argument that cannot serve."""


class ProblemError(MtastsAnalysisError):
    """A problem in the input, raised because ``on_problem="raise"`` asked for it."""


class SchemaError(MtastsAnalysisError):
    """Parquet files that this version cannot read as its own."""


class OutputError(MtastsAnalysisError):
    """A target that cannot be written."""


class StoreError(MtastsAnalysisError):
    """A store that another process writes to, or that changes as it is read."""


class WorkerError(MtastsAnalysisError):
    """A process that was to read a part of the input died; nothing was kept of the run."""


class MissingExtraError(MtastsAnalysisError, ImportError):
    """A feature whose optional package is not installed."""

    def __init__(self, feature: str, extra: str) -> None:
        self._given = feature, extra
        super().__init__(
            f"{feature} needs an optional package: pip install 'mtasts-analysis[{extra}]'"
        )

    def __reduce__(self) -> tuple[type, tuple[str, str]]:
        """Come whole out of a worker: an exception is made anew from what it was given."""
        return type(self), self._given
