"""Rows of a bench, as a table and as `var/bench.json`."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

from common.env import var_dir


@dataclass(frozen=True, slots=True)
class Row:
    """One figure; `limit` is the most it may be, None where nothing is promised."""

    value: float | None
    unit: str
    reference: str = ""
    reference_value: float | None = None
    limit: float | None = None
    digits: int = 2

    @property
    def met(self) -> bool | None:
        """Whether the promise is kept; None without one or without a figure."""
        if self.limit is None or self.value is None or math.isnan(self.value):
            return None
        return self.value <= self.limit

    def as_dict(self) -> dict[str, Any]:
        """The row of `bench.json`."""

        def tidy(value: float | None) -> float | None:
            return None if value is None or math.isnan(value) else round(value, self.digits)

        return {
            "value": tidy(self.value),
            "unit": self.unit,
            "reference": self.reference,
            "reference_value": tidy(self.reference_value),
        }


def write(rows: dict[str, dict[str, Any]]) -> None:
    """Put rows into `bench.json`, keeping those of earlier runs that were not measured now."""
    path = var_dir() / "bench.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    kept: dict[str, Any] = {}
    try:
        found = json.loads(path.read_text())
        kept = found if isinstance(found, dict) else {}
    except (OSError, ValueError):
        pass
    path.write_text(json.dumps({**kept, **rows}, indent=2) + "\n")


def table(rows: dict[str, dict[str, Any]], limits: dict[str, tuple[float, bool | None]]) -> str:
    """The rows for a person to read."""
    lines = [f"{'row':36} {'value':>12}  {'reference':>12} {'limit':>12}      unit"]
    for name, row in rows.items():
        limit, met = limits.get(name, (None, None))
        verdict = {True: "ok", False: "MISSED", None: ""}[met]
        cells = [_cell(row.get("value")), _cell(row.get("reference_value")), _cell(limit)]
        lines.append(f"{name:36} {cells[0]:>12}  {cells[1]:>12} {cells[2]:>12} {verdict:6} {row.get('unit', '')}")
    return "\n".join(lines)


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.5g}"
