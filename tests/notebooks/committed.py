"""Check that committed notebooks hold no outputs, and begin as notebooks of this project do.

python tests/notebooks/committed.py FOLDER
"""

import json
import sys
from pathlib import Path


def faults(path: Path) -> list[str]:
    """Give what is wrong with a notebook."""
    found = []
    cells = [c for c in json.loads(path.read_text())["cells"] if c["cell_type"] == "code"]
    for number, cell in enumerate(cells, 1):
        if cell["outputs"] or cell["execution_count"] is not None:
            found.append(f"code cell {number} holds outputs")
    if not cells or "import" not in "".join(cells[0]["source"]):
        found.append("the first code cell does not import")
    if len(cells) < 2 or "parameters" not in cells[1]["metadata"].get("tags", []):
        found.append("the second code cell is not tagged parameters")
    if any(line.lstrip().startswith(("def ", "class ")) for c in cells for line in c["source"]):
        found.append("a cell defines what belongs in the package")
    return found


if __name__ == "__main__":
    wrong = [
        f"{p}: {fault}" for p in sorted(Path(sys.argv[1]).glob("*.ipynb")) for fault in faults(p)
    ]
    print("\n".join(wrong))
    sys.exit(bool(wrong))
