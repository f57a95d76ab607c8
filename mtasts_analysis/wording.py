"""Figures as words, the same wherever they are told."""


def several(number: int, noun: str) -> str:
    """Give a number with its noun.

    Examples
    --------
    >>> several(1, "domain"), several(1_200, "report")
    ('1 domain', '1,200 reports')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def percent(share: float) -> str:
    """Give a round share, such as a threshold, in as few digits as it has.

    Examples
    --------
    >>> percent(0.0), percent(0.025), percent(0.0005)
    ('0%', '2.5%', '0.05%')
    """
    return f"{100 * share:g}%"
