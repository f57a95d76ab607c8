"""Which alerts were told already: a small file that is replaced whole or not at all."""

from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path

import msgspec

from mtasts_analysis.archive.files import replacing
from mtasts_analysis.errors import InputError
from mtasts_analysis.readiness.alerts import Alert
from mtasts_analysis.wording import plainly

QUIET_DAYS = 7
"""What was not seen for so long is news again when it comes back."""

_FORGET_DAYS = 400
_VERSION = 1


class _File(msgspec.Struct, forbid_unknown_fields=True):
    version: int
    told: dict[str, date]


class Told:
    """The alerts that were told, each with the day on which it was last seen.

    An alert is told before the file is written: after a crash it may be told twice, but it is never lost.

    Parameters
    ----------
    path
        The file; it need not be there yet.

    Raises
    ------
    InputError
        The file is there, and is none of ours.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._days: dict[str, date] = {}
        try:
            held = msgspec.json.decode(path.read_bytes(), type=_File)
        except FileNotFoundError:
            return
        except (OSError, msgspec.DecodeError) as error:
            raise InputError(
                f"{path}: expected a state file that `alert` wrote; {plainly(error)}. Remove it to begin anew:"
                " every alert is then told once more"
            ) from error
        if held.version != _VERSION:
            raise InputError(
                f"{path}: expected a state file of version {_VERSION}; got {held.version}"
            )
        self._days = held.told

    def new(self, found: Iterable[Alert]) -> list[Alert]:
        """Give the alerts that were not told yet, or had been quiet for :data:`QUIET_DAYS`."""
        gap = timedelta(days=QUIET_DAYS)
        return [
            alert
            for alert in found
            if alert.key not in self._days or alert.day - self._days[alert.key] > gap
        ]

    def keep(self, found: Iterable[Alert]) -> None:
        """Remember alerts, told now or before, and forget what is long past.

        Raises
        ------
        OutputError
            The file cannot be written; what was there is as it was.
        """
        days = dict(self._days)
        for alert in found:
            days[alert.key] = max(alert.day, days.get(alert.key, alert.day))
        latest = max(days.values(), default=date.min)
        oldest = latest.toordinal() - _FORGET_DAYS
        kept = {key: day for key, day in sorted(days.items()) if day.toordinal() >= oldest}
        with replacing(self.path.parent, [self.path.name]) as (temporary,):
            temporary.write_bytes(msgspec.json.encode(_File(_VERSION, kept)) + b"\n")
        self._days = kept
