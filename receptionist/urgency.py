"""Whether a caller is in trouble: by words that mean an emergency in any trade. Pure."""

from __future__ import annotations

import re

_LIFE = re.compile(
    r"can(?:'t|not| not) breathe|trouble breathing|choking|unconscious|not breathing|heart attack|stroke|"
    r"(?:heavy|heavily|severe) bleed|bleeding (?:heavily|badly|a lot)|overdos|suicid|kill (?:myself|himself|herself)|on fire|gas leak|smell gas",
    re.I,
)
_URGENT = re.compile(
    r"emergency|urgent|as soon as possible|right away|bleed|knocked out|broke(?:n)? (?:my|his|her|a) (?:tooth|arm|leg|jaw)|"
    r"(?:terrible|severe|awful|unbearable|extreme|so much|a lot of|bad) pain|swollen|toothache|fell out|fallen out|burst|flood|accident|locked out",
    re.I,
)


def is_life_threatening(text: str) -> bool:
    """Whether nobody but the emergency services should be called."""
    return bool(_LIFE.search(text.replace("’", "'")))


def is_urgent(text: str) -> bool:
    """Whether somebody should see this before the rest."""
    return is_life_threatening(text) or bool(_URGENT.search(text))
