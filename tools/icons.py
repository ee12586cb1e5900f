"""Draw `static/icons.svg`, the one sprite of the interface, from the icons of lucide-static (ISC licence).

The sprite is kept in the repository. After adding a name below, run::

    npm install --no-save --ignore-scripts lucide-static@1.62.0 && python tools/icons.py
"""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "node_modules" / "lucide-static" / "icons"
SPRITE = ROOT / "static" / "icons.svg"

NAMES = """
arrow-left arrow-right arrow-up-right bell bell-ring book-open bot calendar chart-line check chevron-down
chevron-left chevron-right chevron-up chevrons-up-down circle-alert circle-check circle-play
circle-question-mark circle-x clock coins concierge-bell copy credit-card download ellipsis external-link eye
eye-off file-text funnel globe grip-vertical hash headset history hourglass house inbox info key-round
languages link list loader-circle lock log-out mail menu message-square messages-square mic mic-off moon
notepad-text panel-left pause pencil phone phone-call phone-forwarded phone-incoming phone-missed phone-off
phone-outgoing play plus quote refresh-cw rotate-ccw route search send settings shield-check skip-back
skip-forward sliders-horizontal square star sun sun-moon tag trash-2 triangle-alert undo-2 upload user
user-plus users voicemail volume-2 wand-sparkles wrench x
""".split()  # noqa: SIM905, one word a name is easier to keep sorted


def symbol(name: str) -> str:
    """One icon as a ``<symbol>``; stroke and colour come from the page's own style."""
    text = (SOURCE / f"{name}.svg").read_text(encoding="utf-8")
    body = re.sub(r"\s+", " ", text[text.index(">", text.index("<svg")) + 1 : text.index("</svg>")]).strip()
    return f'<symbol id="{name}" viewBox="0 0 24 24">{body.replace("> <", "><")}</symbol>'


def main() -> None:
    licence = (SOURCE.parent / "LICENSE").read_text(encoding="utf-8").split("---")[0].strip()
    lines = [f"<!--\nIcons: lucide, https://lucide.dev\n{licence}\n-->", '<svg xmlns="http://www.w3.org/2000/svg">']
    lines += [symbol(name) for name in sorted(set(NAMES))]
    SPRITE.write_text("\n".join([*lines, "</svg>", ""]), encoding="utf-8")
    print(f"{SPRITE.relative_to(ROOT)}: {len(set(NAMES))} icons")


if __name__ == "__main__":
    main()
