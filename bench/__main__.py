"""`python -m bench [bridge] [engine]`: measure, print a table, write `bench.json` into the var folder."""

from __future__ import annotations

import argparse
import importlib.util
from typing import Any

from bench.report import Row, table, write


def _bridge(options: argparse.Namespace) -> dict[str, Row]:
    from bench import bridge

    return bridge.measure(options.calls, options.seconds, options.rounds)


def main(argv: list[str] | None = None) -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("rows", nargs="*", help="bridge, engine, or the beginning of a row's name (default: all)")
    parser.add_argument("--calls", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=5.0, help="length of one window of load")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--with-engine", action=argparse.BooleanOptionalAction, default=True)
    options = parser.parse_args(argv)

    def wanted(group: str) -> bool:
        return not options.rows or any(row.split(".")[0] in (group, "reference") for row in options.rows)

    found: dict[str, dict[str, Any]] = {}
    limits: dict[str, tuple[float, bool | None]] = {}
    if wanted("bridge"):
        for name, row in _bridge(options).items():
            found[name] = row.as_dict()
            if row.limit is not None:
                limits[name] = (row.limit, row.met)
    asked_for_engine = any(row.split(".")[0] == "engine" for row in options.rows)
    if asked_for_engine or (not options.rows and options.with_engine and importlib.util.find_spec("bench.engine")):
        from bench import engine

        found.update(engine.measure())
    picked = {
        name: row
        for name, row in found.items()
        if not options.rows or any(name.startswith(prefix) for prefix in options.rows) or "bridge" in options.rows
    }
    write(picked)
    print(table(picked, limits))


if __name__ == "__main__":
    main()
