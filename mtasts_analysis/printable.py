"""A stranger's text as a terminal, a log or a page can take it: it obeys nothing in it, and hides nothing."""

import unicodedata

_MARKS = 4
"""Marks that a letter may carry: no language has more, and a tower of them covers the lines beside it."""


def printable(text: str) -> str:
    r"""Put U+FFFD in the place of controls, direction marks, zero widths, line ends, surrogates, towers of marks.

    Those but the last are Unicode's categories C, Zl and Zp: escapes of both lengths, and whatever turns its
    neighbours round, joins them unseen, or begins a line that nobody wrote.

    Examples
    --------
    >>> printable("a\x1b[31mb\r\nforged: \u202efdp.exe") == "a\ufffd[31mb\ufffd\ufffdforged: \ufffdfdp.exe"
    True
    >>> printable("e" + 6 * "\u0301") == "e" + 4 * "\u0301" + 2 * "\ufffd"
    True
    """
    if text.isascii() and text.isprintable():
        return text
    shown, marks = [], 0
    for c in text:
        kind = unicodedata.category(c)
        marks = marks + 1 if kind in ("Mn", "Me") else 0
        # isprintable() knows the same categories, and every blank but U+0020.
        fit = marks <= _MARKS and (kind == "Zs" or c.isprintable())
        shown.append(c if fit else "\ufffd")
    return "".join(shown)
