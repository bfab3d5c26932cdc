"""``python -m ci`` and the console command ``dollop``."""

import os
import sys

from ci import cli


def main() -> None:
    """Run a verb, and end at once: to take the interpreter apart takes longer than many a verb."""
    try:
        cli.main()
    except SystemExit as ended:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(int(ended.code or 0))


if __name__ == "__main__":
    main()
