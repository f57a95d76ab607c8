"""IP and mail addresses taken out of texts and tables, for whoever hands them on."""

import re
from typing import Any

import pyarrow as pa

_IPV4 = re.compile(r"(?:\d{1,3}\.){3}\d{1,3}")
_NUMBERS = re.compile(r"(?<!\d)\d++(?:[-_]\d++){3,}+")
"""As names of dial-in and cloud hosts have an address: ec2-192-0-2-1."""
_DATE = re.compile(r"(?:19|20)\d\d[-_](?:0?[1-9]|1[0-2])[-_](?:[0-2]?\d|3[01])(?:[-_]\d{1,2}){0,3}")
_FOUR = re.compile(r"(?<!\d)\d{1,3}(?:[-_]\d{1,3}){3}(?!\d)")
_IPV6 = re.compile(r"(?<![0-9A-Fa-f:.])[0-9A-Fa-f:.]++")
_ATOM = r"[\w.!#$%&'*+/=?^`{|}~-]"
_MAIL = re.compile(
    rf"""(?:"(?:[^"\\\n]|\\.){{1,64}}"|(?<!{_ATOM}){_ATOM}++)(?:@(?:\[[^]\n]{{0,60}}\]|{_ATOM}*+))*+"""
)
"""RFC 5321 §4.1.2: the local part is of atoms, or a quoted string; the domain may be an address in brackets. What
follows it without a break may hold another one: `a@x.example?cc=b@y.example`.

No pattern tries a stranger's text twice from within one word: each is linear.
"""


def redacted(text: str) -> str:
    """Put `[address]` in the place of IP addresses and mail addresses.

    Examples
    --------
    >>> redacted("mx1 [192.0.2.1], 2001:db8::1 at 15:05:39 UTC, mailto:tls@d.example")
    'mx1 [[address]], [address] at 15:05:39 UTC, mailto:[address]'
    """
    plain = _IPV4.sub("[address]", _IPV6.sub(_address, _MAIL.sub(_mailbox, text)))
    return _NUMBERS.sub(_numbers, plain)


def _mailbox(found: re.Match[str]) -> str:
    word = found[0]
    if "@" not in word and "%40" not in word:
        return word
    return "[address]" + "." * word.endswith(".")  # a sentence may end with it


def _numbers(found: re.Match[str]) -> str:
    numbers = found[0]
    return numbers if _DATE.fullmatch(numbers) or not _FOUR.search(numbers) else "[address]"


def _address(found: re.Match[str]) -> str:
    # RFC 4291 §2.2. Words around it may have left a colon at its ends; a clock has two, and none beside another.
    return "[address]" if "::" in found[0] or found[0].count(":") > 4 else found[0]


def without_addresses(tables: dict[str, pa.Table]) -> dict[str, pa.Table]:
    """Give tables with :func:`redacted` in every text; keys and figures stay."""
    return {
        name: pa.table([_column(column) for column in table.columns], schema=table.schema)
        for name, table in tables.items()
    }


def _column(column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type
    held: dict[Any, Any] = {None: None}

    def changed(value: Any) -> Any:
        if isinstance(value, list):
            return [changed(one) for one in value]
        if value not in held:
            held[value] = redacted(value)
        return held[value]

    if pa.types.is_dictionary(kind):
        texts = pa.array([changed(value) for value in column.to_pylist()], pa.string())
        return pa.chunked_array([texts.dictionary_encode().cast(kind)])
    if pa.types.is_string(kind) or pa.types.is_list(kind):
        return pa.chunked_array([pa.array([changed(v) for v in column.to_pylist()], kind)])
    return column
