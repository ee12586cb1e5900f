"""``python -m config.run NAME``: one process of the product, as the container image starts it.

`prepare` migrates and refills the pool of schemas, once before a new version serves; every other name is a process
of `up`, listening on all addresses at the port it has there (`PORT` and the ones behind it).
"""

from __future__ import annotations

import os
import sys

from common.env import ROOT, env_int, var_dir
from config.services.programs import POOLS, Ports, arguments

PREPARE = [str(ROOT / "manage.py"), "prepare", "--without-demo"]


def commands() -> dict[str, list[str]]:
    """What follows ``python`` for every name."""
    every = "0.0.0.0"  # noqa: S104 - the container's own network
    listed = arguments(Ports(env_int("PORT", 8000)), every, var_dir(), worker="worker@%h")
    del listed["carrier"]  # for one machine: it is no carrier for production
    listed["engine"] += ["--host", every]
    return {"prepare": PREPARE} | {name: ["-m", *command] for name, command in listed.items()}


def main(argv: list[str]) -> None:
    """Become the process named; exits with 2 and the list of names for any other."""
    known = commands()
    if len(argv) != 1 or argv[0] not in known:
        sys.exit(f"usage: python -m config.run {{{','.join(known)}}}")
    name = argv[0]
    if name in POOLS:
        os.environ.setdefault("DATABASE_POOL", POOLS[name])
    os.execv(sys.executable, [sys.executable, *known[name]])  # noqa: S606 - a list of our own, no shell


if __name__ == "__main__":
    main(sys.argv[1:])
