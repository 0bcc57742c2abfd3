"""`python -m xaikit` is the command `xaikit`."""

from xaikit.app.cli import main

if __name__ == "__main__":
    main()
