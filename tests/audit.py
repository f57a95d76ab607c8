"""The audit of known vulnerabilities: `make audit`; .ci/run runs it too.

A vulnerability found fails the build. A registry that publishes none, or does not answer, does not: it is said.
"""

import json
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

OWN = "mtasts-analysis"


def installed() -> list[str]:
    """Give `name==version` of all that is installed here."""
    found = {d.metadata["Name"].lower(): d.version for d in distributions()}
    return [f"{name}=={version}" for name, version in sorted(found.items()) if name != OWN]


def ask(pins: list[str]) -> list[dict[str, Any]]:
    """Ask the registry about releases, by pip-audit; an empty list where it gave no answer."""
    with TemporaryDirectory() as folder:
        wanted = Path(folder) / "pins.txt"
        wanted.write_text("\n".join(pins))
        command = [
            sys.executable,
            "-m",
            "pip_audit",
            "--requirement",
            wanted,
            "--no-deps",
            "--disable-pip",
        ]
        done = subprocess.run(
            [*command, "--format=json", "--progress-spinner=off"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    try:
        return list(json.loads(done.stdout)["dependencies"])
    except (ValueError, KeyError):
        return []


def verdict(answers: list[dict[str, Any]]) -> tuple[int, str]:
    """Make an exit code and a sentence of what pip-audit answered."""
    known = [a for a in answers if "vulns" in a]
    bad = [
        f"{a['name']} {a['version']}: {v['id']}, mended in {', '.join(v['fix_versions']) or 'no release'}"
        for a in known
        for v in a["vulns"]
    ]
    if bad:
        return 1, "\n".join(bad)
    if not known:
        return 0, "NOT AUDITED: the registry gave no vulnerability data"
    return 0, f"{len(known)} of {len(answers)} packages audited, none with a known vulnerability"


def main() -> int:
    pins = installed()
    # Where the registry has no such data, one question shows it, and not one for each package.
    code, said = verdict(ask(pins[:1]))
    if "NOT" not in said:
        code, said = verdict(ask(pins))
    print(said)
    return code


if __name__ == "__main__":
    sys.exit(main())
