"""`python -m mtasts_analysis`: the command line where its script is not on the path."""

import sys

from mtasts_analysis.cli import main

if __name__ == "__main__":
    sys.exit(main())
