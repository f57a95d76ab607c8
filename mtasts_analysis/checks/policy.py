"""The policy file: RFC 8461 §3.2's grammar, each fault with its line, and what was probably meant."""

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from mtasts_analysis.checks.addresses import is_address
from mtasts_analysis.errors import InputError
from mtasts_analysis.findings import Finding
from mtasts_analysis.names import a_label

MAX_AGE_MOST = 31_557_600  # §3.2; the grammar's 1*10DIGIT is wider (erratum 7282)
BODY_MOST = 64 * 1024  # §3.3, "64 kilobytes"
BODY_SAFE = 64_000  # what a sender takes for 64 kilobytes that counts by thousands
LINES_MOST = 2_000  # far past any policy of 64 KB that has `mx` lines of use
FAULTS_MOST = 50
_SHOWN = 100
"""Characters of a stranger's line that a finding shows."""
_TOLD = 3
"""Faults that an error names."""

_REF = "RFC 8461 §3.2"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}", re.ASCII)
# 1*(%x20 / vchar) with vchar at both ends; vchar is %x21-7E and all of UTF-8 past ASCII.
_VALUE = re.compile(r"[^\x00-\x20\x7f](?:[^\x00-\x1f\x7f]*[^\x00-\x20\x7f])?")
# RFC 5321 §4.1.2: Domain = sub-domain *("." sub-domain); sub-domain = Let-dig [Ldh-str]
_MX = re.compile(
    r"(?:\*\.)?[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*"
)
_ONCE = ("version", "mode", "max_age")  # each required, and given once
_MODES = ("testing", "enforce", "none")


@dataclass(frozen=True, slots=True)
class Policy:
    """A valid policy."""

    mode: str
    max_age: int
    mx: tuple[str, ...]
    """The patterns as written, in order, each once."""
    extensions: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        return _text(self.mode, self.mx, self.max_age)


def valid_policy(text: str, which: str) -> Policy:
    r"""Read a policy file that must be valid.

    Parameters
    ----------
    text
        The file.
    which
        What an error calls it.

    Raises
    ------
    InputError
        It is none: the first faults, and how many there are.

    Examples
    --------
    >>> valid_policy("mode: enforce\n", "policy")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    mtasts_analysis.errors.InputError: policy: expected a valid policy file (RFC 8461 §3.2); ...
    """
    policy, findings = read_policy(text, which)
    if policy is None:
        faults = [f.evidence for f in findings if f.severity == "error"]
        counted = f"{len(faults)}{' or more' if len(faults) == FAULTS_MOST else ''} faults in all"
        left = f"; {counted}" if len(faults) > _TOLD else ""
        raise InputError(
            f"{which}: expected a valid policy file (RFC 8461 §3.2); {'; '.join(faults[:_TOLD])}{left}"
        )
    return policy


def read_policy(
    body: bytes | str, subject: str = "mta-sts.txt"
) -> tuple[Policy | None, list[Finding]]:
    r"""Read a policy file by the grammar of RFC 8461 §3.2.

    Parameters
    ----------
    body
        The file.
    subject
        Its URL, for the findings.

    Returns
    -------
    tuple
        The policy, or None where it is not valid; and a finding for each fault, with its line.

    Examples
    --------
    >>> text = "version: STSv1\nmode: enforce\nmx: mail.example.com\nmax_age: 604800\n"
    >>> read_policy(text)[0]
    Policy(mode='enforce', max_age=604800, mx=('mail.example.com',), extensions=())
    >>> print(read_policy(text.replace("mail.example.com", "mail.example.com."))[1][0].evidence)
    line 3: mx 'mail.example.com.' ends in a dot, which the grammar does not allow
    """
    raw = body if isinstance(body, bytes) else body.encode("utf-8", "surrogatepass")
    if len(raw) > BODY_MOST:
        evidence = (
            f"more than {BODY_MOST:,} bytes; senders stop at the suggested maximum of 64 kilobytes"
        )
        action = "publish only version, mode, max_age and the mx lines"
        return None, [
            Finding("policy-too-large", "error", subject, evidence, action, "RFC 8461 §3.3")
        ]
    faults: list[tuple[int, str]] = []
    notes: list[tuple[str, int, str]] = []
    fields = _lines(raw, faults)
    values: dict[str, str] = {}
    mx: list[str] = []
    extensions: list[tuple[str, str]] = []
    for number, name, value in fields:
        if name == "mx":
            if fault := _mx_fault(value):
                faults.append((number, fault))
            elif value.lower() in map(str.lower, mx):
                notes.append(("policy-duplicate-mx", number, f"mx {value!r} stands there already"))
            else:
                mx.append(value)
                if note := _mx_oddness(value):
                    notes.append(("policy-mx-odd", number, note))
        elif name in _ONCE and name not in values:
            values[name] = value
            if fault := _value_fault(name, value):
                faults.append((number, fault))
        else:
            # §3.2: of a repeated field "all entries except for the first SHALL be ignored"; but only files that are
            # "syntactically valid" need be accepted, so it must still have the form of some field.
            if not _VALUE.fullmatch(value):
                said = "is empty" if not value else f"{value[:_SHOWN]!r} holds a control character"
                faults.append((number, f"the value of {name!r} {said}"))
            if name in values:
                kept = f"{name} is given again; the first, {values[name][:_SHOWN]!r}, counts"
                notes.append(("policy-duplicate-field", number, kept))
                continue
            extensions.append((name, value))
            meant = _meant(name)
            if meant:
                notes.append(
                    ("policy-field-typo", number, f"{name!r} is no field; {meant!r} is meant?")
                )
    faults += [(0, f"the required field {n!r} is missing") for n in _ONCE if n not in values]
    if (
        not mx
        and values.get("mode") != "none"
        and not any(fault.startswith("mx ") for _, fault in faults)
    ):
        faults.append((0, "no mx field; one at least is required unless mode is none"))
    found = [
        Finding(code, "warning", subject, f"line {number}: {said}", _CURES[code], _REF)
        for code, number, said in notes[:FAULTS_MOST]
    ]
    if len(raw) > BODY_SAFE:
        evidence = f"{len(raw):,} bytes; a sender that counts 64,000 as 64 kilobytes refuses it"
        found.append(
            Finding(
                "policy-near-limit", "warning", subject, evidence, "shorten it", "RFC 8461 §3.3"
            )
        )
    if not faults:
        policy = Policy(values["mode"], int(values["max_age"]), tuple(mx), tuple(extensions))
        return policy, found
    repaired = _text(
        values["mode"] if values.get("mode") in _MODES else "testing",
        [p for _, n, v in fields if _meant(n) == "mx" for p in _repaired(v)]
        or ["mail.example.com"],
        86_400 if _value_fault("max_age", values.get("max_age", "")) else int(values["max_age"]),
    )
    broken = [
        Finding(
            "policy-invalid",
            "error",
            subject,
            f"line {number}: {said}" if number else said,
            f"publish instead (look it over first):\n{repaired}",
            _REF,
        )
        for number, said in sorted(faults[:FAULTS_MOST], key=lambda f: (f[0] == 0, f[0]))
    ]
    return None, broken + found


_CURES = {
    "policy-duplicate-mx": "remove the second line",
    "policy-duplicate-field": "keep one line; some senders refuse a file with two",
    "policy-field-typo": "unknown fields are ignored: correct the name",
    "policy-mx-odd": "name the MX host as its MX record does",
}


def _text(mode: str, mx: Sequence[str], max_age: int) -> str:
    lines = ["version: STSv1", f"mode: {mode}", *(f"mx: {p}" for p in mx), f"max_age: {max_age}"]
    return "\n".join(lines) + "\n"


def _lines(raw: bytes, faults: list[tuple[int, str]]) -> list[tuple[int, str, str]]:
    """Split into fields: field *WSP *(term field *WSP) [term], term = LF / CRLF; no empty line."""
    lines = raw.split(b"\n")
    if len(lines) > 1 and not lines[-1]:
        lines.pop()  # the one term at the end
    fields = []
    for number, line in enumerate(lines[:LINES_MOST], 1):
        bare = line.removesuffix(b"\r") if number < len(lines) or raw.endswith(b"\n") else line
        try:
            text = bare.decode("utf-8")
        except UnicodeDecodeError:
            faults.append((number, f"not UTF-8: {bare[:_SHOWN]!r}"))
            text = bare.decode("latin-1")
            fields.append((number, *_halves(text)))
            continue
        if number == 1 and text.startswith("\ufeff"):
            faults.append(
                (
                    1,
                    "a byte order mark (EF BB BF) before the first field; save the file as UTF-8 without BOM",
                )
            )
            text = text[1:]
        if not text.strip(" \t"):
            what = (
                "the file is empty"
                if len(raw) == 0
                else "an empty line; no line may be empty, the last neither"
            )
            faults.append((number, what))
            continue
        name, value = _halves(text)
        if "\r" in text:
            faults.append((number, "a CR inside of the line: lines end in LF or CRLF, not in CR"))
        elif text[0] in " \t":
            faults.append((number, f"begins with white space: {text[:_SHOWN]!r}"))
        elif ":" not in text:
            faults.append((number, f"no 'name: value': {text[:_SHOWN]!r}"))
            continue
        elif name != name.rstrip(" \t"):
            faults.append((number, f"white space before the colon: {text[:_SHOWN]!r}"))
        elif not _NAME.fullmatch(name):
            faults.append(
                (
                    number,
                    f"{name[:_SHOWN]!r} is no field name (letter or digit, then up to 31 of A-Z a-z 0-9 _ - .)",
                )
            )
        fields.append((number, name.strip(" \t"), value))
    if len(lines) > LINES_MOST:
        faults.append((LINES_MOST, f"more than {LINES_MOST:,} lines; the rest was not read"))
    return fields


def _halves(text: str) -> tuple[str, str]:
    name, _, value = text.partition(":")
    return name, value.strip(" \t")


def _value_fault(name: str, value: str) -> str:
    if name == "version" and value != "STSv1":
        return f"version {value[:_SHOWN]!r} must be STSv1 (case counts)"
    if name == "mode" and value not in _MODES:
        return f"mode {value[:_SHOWN]!r} must be testing, enforce or none, in small letters"
    if name == "max_age" and not re.fullmatch(r"[0-9]{1,10}", value, re.ASCII):
        return f"max_age {value[:_SHOWN]!r} must be seconds, 1 to 10 digits"
    if name == "max_age" and int(value) > MAX_AGE_MOST:
        return f"max_age {value} is above the maximum of {MAX_AGE_MOST} (one year)"
    return ""


def _mx_fault(value: str) -> str:
    """Say what keeps a value from being ["*."] Domain; empty where nothing does."""
    shown = repr(value[:_SHOWN])
    bare = value.removeprefix("*.")
    if _MX.fullmatch(value) and len(bare) <= 255:  # RFC 5321 §4.5.3.1.2
        return ""
    if not value:
        return "mx is empty"
    if not value.isascii():
        try:
            return f"mx {shown} holds letters outside of ASCII; write the A-label {_a_pattern(value)!r}"
        except ValueError:
            return f"mx {shown} holds letters outside of ASCII"
    if is_address(value.strip("[]").removeprefix("IPv6:")):
        return f"mx {shown} is an IP literal; only names match"
    if value.endswith(".") and _MX.fullmatch(value[:-1]):
        return f"mx {shown} ends in a dot, which the grammar does not allow"
    if re.search(r"[\s,;]", value):
        return f"mx {shown} names several hosts; each needs its own mx line"
    if "*" in bare:
        return f"mx {shown}: '*' may only be the whole first label, as in *.example.com"
    if value.startswith("."):
        return f"mx {shown} begins with a dot; *{value[:_SHOWN]} is meant?"
    if "_" in value:
        return f"mx {shown} holds '_', which no host name has"
    return f"mx {shown} is no domain name"


def _mx_oddness(value: str) -> str:
    """Say what is odd about a valid pattern: it can match no MX host on the Internet."""
    bare = value.removeprefix("*.")
    if is_address(bare):
        return f"mx {value!r} reads as an IP address; MX records hold names, so it can match none"
    if "." not in bare:
        return f"mx {value[:_SHOWN]!r} has one label; no MX host on the Internet is named so"
    return ""


def _a_pattern(value: str) -> str:
    wild = "*." if value.startswith("*.") else ""
    return wild + a_label(value.removeprefix("*."))


def _meant(name: str) -> str:
    """Name the field that an unknown name is probably a slip of."""
    short = re.sub(r"[^a-z]", "", name.casefold())
    slips = {
        "mx": ("mx", "nmx", "mxs", "mxhost"),
        "max_age": ("maxage", "maxaga", "ttl"),
        "mode": ("mode", "modes"),
        "version": ("version", "versions", "v"),
    }
    return next((field for field, forms in slips.items() if short in forms), "")


def _repaired(value: str) -> list[str]:
    """Give the valid patterns that a value was probably meant to be, for a person to look over."""
    meant = []
    for part in re.split(r"[\s,;]+", value):
        text = part.strip("[]").rstrip(".").lower()
        with suppress(ValueError):
            text = _a_pattern(text)
        if not _mx_fault(text):
            meant.append(text)
        elif not _mx_fault(f"*{text}"):
            meant.append(f"*{text}")
    return meant
