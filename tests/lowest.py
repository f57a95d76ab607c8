"""The suite at the lowest versions that pyproject.toml allows: `make test-lowest`.

Every floor of the core, the extras and the tests is installed itself, so it must be a release that exists.
What these need in turn is the newest that fits: that is what a person with an old pin gets.
Arguments go to pytest.
"""

import re
import subprocess
import sys
import tomllib
import venv
from itertools import chain

from tests.conftest import ROOT

HOME = ROOT / ".venv-lowest"


def floors() -> list[str]:
    """Give `name==floor` for each dependency but the linters and the fuzzer."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    named = chain(
        project["dependencies"],
        *(extras[extra] for extra in extras if extra not in {"all", "fuzz", "lint"}),
    )
    # A constraint names no extras: `moto[s3]>=5` is held as `moto==5`.
    return [
        re.sub(r"\[.*]", "", item).replace(">=", "==")
        for item in named
        if not item.startswith("mtasts-analysis")
    ]


def main(arguments: list[str]) -> int:
    pins = HOME / "floors.txt"
    wanted = "\n".join(floors()) + "\n"
    python = HOME / "bin" / "python"
    if not pins.exists() or pins.read_text() != wanted:
        venv.create(HOME, clear=True, with_pip=True)
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        made = HOME / "wanted.txt"
        made.write_text(wanted)
        subprocess.run([*pip, "-e", ".[test]", "-c", made], cwd=ROOT, check=True)
        made.rename(pins)
    return subprocess.run([python, "-m", "pytest", *arguments], cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
