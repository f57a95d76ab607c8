"""Figures, and what went wrong, as words: the same wherever they are told."""


def several(number: int, noun: str) -> str:
    """Give a number with its noun.

    Examples
    --------
    >>> several(1, "domain"), several(1_200, "report")
    ('1 domain', '1,200 reports')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def every(number: int, noun: str) -> str:
    """Say that something is so of each of some things.

    Examples
    --------
    >>> every(1, "MX host"), every(2, "MX host"), every(3, "MX host")
    ('the one MX host', 'both MX hosts', 'all 3 MX hosts')
    """
    if number == 1:
        return f"the one {noun}"
    return f"both {noun}s" if number == 2 else f"all {number:,} {noun}s"


def capital(clause: str) -> str:
    """Begin a sentence; a name that it begins with stays as it is.

    Examples
    --------
    >>> capital("no report came"), capital("mx1.example.com is not in the policy")
    ('No report came', 'mx1.example.com is not in the policy')
    """
    return f"{clause[:1].upper()}{clause[1:]}" if clause.partition(" ")[0].isalpha() else clause


def percent(share: float) -> str:
    """Give a round share, such as a threshold, in as few digits as it has.

    Examples
    --------
    >>> percent(0.0), percent(0.025), percent(0.0005)
    ('0%', '2.5%', '0.05%')
    """
    return f"{100 * share:g}%"


def plainly(error: Exception) -> str:
    """Say what went wrong in the system's own words, without their number and the path, which the message names.

    Examples
    --------
    >>> plainly(FileNotFoundError(2, "No such file or directory", "x")), plainly(ValueError("no date"))
    ('No such file or directory', 'no date')
    """
    return str(getattr(error, "strerror", None) or error)
