"""`.env.example` and the code agree on the settings there are."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROOMS = [path.parent.name for path in ROOT.glob("*/__init__.py") if path.parent.name not in ("tests", "bench")]
READ = re.compile(r"""env_(?:str|int|float|bool|list|secret)\(\s*["']([A-Z0-9_]+)["']""")


def read_by_the_code() -> set[str]:
    names = {"DESKBELL_VAR"}
    for room in ROOMS:
        for path in (ROOT / room).rglob("*.py"):
            names |= set(READ.findall(path.read_text()))
    return names


def documented() -> dict[str, str]:
    found: dict[str, str] = {}
    comment = ""
    for line in (ROOT / ".env.example").read_text().splitlines():
        if line.startswith("# ") and "=" not in line.split(" ")[1]:
            comment = line[2:]
        elif match := re.match(r"#? ?([A-Z0-9_]+)=", line):
            found[match.group(1)] = comment
            comment = ""
        elif not line.strip():
            comment = ""
    return found


def test_every_setting_the_code_reads_is_documented_and_no_other():
    assert set(documented()) == read_by_the_code()


def test_every_documented_setting_has_its_line_of_explanation():
    missing = [name for name, comment in documented().items() if len(comment) < 10]
    assert missing == []
