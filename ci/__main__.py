"""``python -m ci`` and the console command ``dollop``."""

import gc
import os
import sys

_OBJECTS = 100_000
"""More of them before garbage is collected than Python waits for: nearly all that is made is needed to the end."""


def main() -> None:
    """Run a verb, and end at once: to take the interpreter apart takes longer than many a verb."""
    gc.set_threshold(_OBJECTS)
    try:
        from ci import cli

        cli.main()
    except KeyboardInterrupt:  # before anything was begun
        os._exit(130)
    except SystemExit as ended:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(int(ended.code or 0))


if __name__ == "__main__":
    main()
