"""A stranger's text as a terminal, a log or a page can take it: it obeys nothing in it, and hides nothing."""

import unicodedata


def printable(text: str) -> str:
    r"""Put U+FFFD in the place of controls, direction marks, zero widths, line ends and surrogates.

    Those are Unicode's categories C, Zl and Zp: escapes of both lengths, and whatever turns its neighbours
    round, joins them unseen, or begins a line that nobody wrote.

    Examples
    --------
    >>> printable("a\x1b[31mb\r\nforged: \u202efdp.exe") == "a\ufffd[31mb\ufffd\ufffdforged: \ufffdfdp.exe"
    True
    """
    if text.isprintable():  # the same categories, and every blank but U+0020
        return text
    return "".join(
        c if c.isprintable() or unicodedata.category(c) == "Zs" else "\ufffd" for c in text
    )
