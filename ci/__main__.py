"""``python -m ci`` and the console command ``dollop``."""

from ci.cli import main

if __name__ == "__main__":
    main()
