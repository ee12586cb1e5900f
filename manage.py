#!/usr/bin/env python
"""Django's command line."""

from __future__ import annotations

import atexit
import gc
import os
import sys


def main() -> None:
    """Run the command that `sys.argv` names."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.base")
    if sys.argv[1:2] == ["up"]:
        # It only starts processes: loading every app into this one would hold them up by seconds.
        from config.management.commands.up import Command

        Command().run_from_argv(sys.argv)
    else:
        # Most commands load a thousand modules, do one thing and end. Searching what was loaded for garbage, again and
        # again while loading and once more at the end, takes a quarter of a second and finds none.
        gc.set_threshold(100_000, 50, 100)
        atexit.register(gc.freeze)
        from django.core.management import execute_from_command_line
        from django.db import OperationalError

        try:
            execute_from_command_line(sys.argv)
        except OperationalError as error:
            sys.exit(f"The database can't be used: {error}. Is the product running? `make up` starts it.")


if __name__ == "__main__":
    main()
