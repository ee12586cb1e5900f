"""`python -m bench [bridge] [engine] [knowledge]`: measure, print a table, write `bench.json` into the var folder."""

from __future__ import annotations

import argparse
import importlib.util
from typing import Any

from bench.report import Row, table, write


def _bridge(options: argparse.Namespace) -> dict[str, Row]:
    from bench import bridge

    return bridge.measure(options.seconds, options.rounds)


def main(argv: list[str] | None = None) -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("rows", nargs="*", help="bridge, engine, knowledge, or how a row's name begins (default: all)")
    parser.add_argument("--seconds", type=float, default=1.5, help="length of one slice of load")
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--with-engine", action=argparse.BooleanOptionalAction, default=True)
    options = parser.parse_args(argv)

    def wanted(group: str) -> bool:
        return not options.rows or any(row.split(".")[0] in (group, "reference") for row in options.rows)

    found: dict[str, dict[str, Any]] = {}
    limits: dict[str, tuple[float, bool | None]] = {}

    def take(rows: dict[str, Row]) -> None:
        for name, row in rows.items():
            found[name] = row.as_dict()
            if row.limit is not None:
                limits[name] = (row.limit, row.met)

    if wanted("bridge"):
        take(_bridge(options))
    asked_for_engine = any(row.split(".")[0] == "engine" for row in options.rows)
    if asked_for_engine or (not options.rows and options.with_engine and importlib.util.find_spec("bench.engine")):
        from bench import engine

        found.update(engine.measure())
    if not options.rows or any(row.split(".")[0] == "knowledge" for row in options.rows):
        from bench import knowledge

        take(knowledge.measure())
    picked = {
        name: row
        for name, row in found.items()
        if not options.rows or any(name.startswith(prefix) for prefix in options.rows) or "bridge" in options.rows
    }
    write(picked)
    print(table(picked, limits))


if __name__ == "__main__":
    main()
