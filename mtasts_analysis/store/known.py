"""Which reports a store holds: eight bytes each in memory, of the months that are asked for."""

from binascii import unhexlify
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Identities = npt.NDArray[np.uint64]

MOST = 8_000_000
"""Identities kept in memory; the months that were asked for least lately are let go."""


class Known:
    """Finds earlier reports of the same identity, by month.

    Parameters
    ----------
    read
        Gives `report_key` and `origin` (or only the first) of the committed reports of a month, in order.
    """

    def __init__(self, read: Callable[[str, list[str]], pa.Table]) -> None:
        self._read = read
        self._months: dict[str, Identities] = {}
        self._pending: dict[str, list[pa.Table]] = {}

    def earlier(self, month: str, keys: pa.ChunkedArray) -> pa.Table | None:
        """Give `report_key` and `origin` of earlier reports that share an identity with one of the keys."""
        known = self._identities(month)
        own = identities(keys)
        at = np.searchsorted(known, own)
        at[at == len(known)] = 0
        hit = own[known[at] == own] if len(known) else own[:0]
        if not len(hit):
            return None
        wanted = pa.array([f"{number:016x}" for number in np.unique(hit).tolist()])
        tables = [self._read(month, ["report_key", "origin"]), *self._pending.get(month, ())]
        whole = pa.concat_tables(tables)
        return whole.filter(pc.is_in(pc.utf8_slice_codeunits(whole["report_key"], 0, 16), wanted))

    def add(self, month: str, reports: pa.Table) -> None:
        """Take in reports that were written and are not committed yet."""
        if not len(reports):
            return
        self._pending.setdefault(month, []).append(reports.select(["report_key", "origin"]))
        known, own = self._identities(month), np.sort(identities(reports["report_key"]))
        self._months[month] = np.insert(known, np.searchsorted(known, own), own)

    def committed(self) -> None:
        """Let go of what can be read from now on."""
        self._pending.clear()
        while len(self._months) > 1 and sum(map(len, self._months.values())) > MOST:
            del self._months[next(iter(self._months))]

    def _identities(self, month: str) -> Identities:
        found = self._months.pop(month, None)
        if found is None:
            found = np.sort(identities(self._read(month, ["report_key"])["report_key"]))
        self._months[month] = found  # the last asked for is the last let go
        return found


def identities(keys: pa.ChunkedArray) -> Identities:
    """Give the first half of keys, 16 hex, as numbers."""
    if not len(keys):
        return np.zeros(0, dtype=np.uint64)
    first = pc.utf8_slice_codeunits(keys, 0, 16).combine_chunks()
    offsets = np.frombuffer(first.buffers()[1], dtype=np.int32)[first.offset :]
    digits = memoryview(first.buffers()[2])[offsets[0] : offsets[0] + 16 * len(first)]
    return np.frombuffer(unhexlify(digits), dtype=">u8").astype(np.uint64)
