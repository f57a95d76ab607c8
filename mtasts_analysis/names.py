"""Domain names as DNS compares them, and MX patterns as RFC 8461 §4.1 matches them. No I/O."""

import idna

_LONGEST = 253  # RFC 1035 §2.3.4: 255 octets on the wire


def a_label(name: str) -> str:
    """Give a domain name in the one form in which names are compared.

    Lower case, no trailing dot, A-labels by IDNA 2008 (RFC 5891; Python's own codec is IDNA 2003
    and gives other names). Underscores pass: `_mta-sts` is no host name, but it is a name.

    Parameters
    ----------
    name
        A domain name, ASCII or Unicode.

    Returns
    -------
    str
        The name in A-labels.

    Raises
    ------
    ValueError
        The name is empty, too long, has an empty label, or characters that IDNA refuses. It names what came.

    Examples
    --------
    >>> a_label("Bücher.Example.")
    'xn--bcher-kva.example'
    """
    text = name.strip().removesuffix(".")
    if not text or len(text) > _LONGEST:
        said = f"a domain name has 1 to {_LONGEST} characters, this has {len(text)}"
        raise ValueError(f"{name[:_LONGEST]!r}: {said}")
    if not text.isascii():
        try:
            text = idna.encode(text, uts46=True).decode("ascii")
        except UnicodeError as error:
            raise ValueError(f"{name!r}: {error}") from error
    if any(not label or len(label) > 63 for label in text.split(".")):
        raise ValueError(f"{name!r}: each label has 1 to 63 characters")
    if not all(c.isalnum() or c in "-._*" for c in text):
        raise ValueError(f"{name!r}: a domain name has letters, digits, '-' and '_'")
    return text.lower()


def mx_matches(host: str, pattern: str) -> bool:
    """Tell whether an MX host name matches one pattern of an MTA-STS policy.

    RFC 8461 §4.1: a leading ``*.`` stands for exactly one label; anything else is compared whole.

    Examples
    --------
    >>> mx_matches("mx1.example.com", "*.example.com"), mx_matches("a.b.example.com", "*.example.com")
    (True, False)
    """
    host = host.lower().removesuffix(".")
    pattern = pattern.lower().removesuffix(".")
    if pattern.startswith("*."):
        label, _, rest = host.partition(".")
        return bool(label) and rest == pattern[2:]
    return host == pattern
