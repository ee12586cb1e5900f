"""Cutting an answer into pieces to synthesise: a short first one is heard early, the rest follow while it plays."""

from __future__ import annotations

import re

FIRST_CHARS = 40
LATER_CHARS = 220
_MIN_CLAUSE = 12

_TITLES = ("dr.", "mr.", "mrs.", "ms.", "st.", "no.")
_ABBREVIATIONS = ("e.g.", "i.e.", "a.m.", "p.m.", "inc.", "vs.", "approx.")
_SENTENCE = re.compile(r"(?<=[.!?…])\s+|(?<=[.!?…][\"')\]])\s+|\n+")
_CLAUSE = re.compile(r"(?<=[,;:])\s+|\s+(?=[–—-]\s)|\s+(?=(?:and|but|or|because|so|which)\s)")

SENTENCE_GAP_MS = 180
CLAUSE_GAP_MS = 50


def _sentences(text: str) -> list[str]:
    parts: list[str] = []
    for piece in _SENTENCE.split(text.strip()):
        piece = piece.strip()
        if not piece:
            continue
        before = parts[-1].lower() if parts else ""
        if before.endswith(_TITLES) or (before.endswith(_ABBREVIATIONS) and not piece[0].isupper()):
            parts[-1] += " " + piece
        else:
            parts.append(piece)
    return parts


def _shorten(sentence: str, limit: int) -> list[str]:
    if len(sentence) <= limit:
        return [sentence]
    pieces, rest = [], sentence
    while len(rest) > limit:
        cuts = [m for m in _CLAUSE.finditer(rest) if m.start() >= _MIN_CLAUSE and len(rest) - m.end() >= _MIN_CLAUSE]
        if not cuts:
            break
        # The longest piece within the limit, or else the shortest beyond it.
        fitting = [m for m in cuts if m.start() <= limit]
        cut = fitting[-1] if fitting else cuts[0]
        pieces.append(rest[: cut.start()].strip())
        rest = rest[cut.end() :].strip()
    return [*pieces, rest] if rest else pieces


def split(text: str) -> list[str]:
    """`text` in pieces; joined with spaces they are the text again, but for its white space."""
    clauses: list[str] = []
    for sentence in _sentences(text):
        if clauses:
            clauses += _shorten(sentence, LATER_CHARS)
        else:
            first, *rest = _shorten(sentence, FIRST_CHARS)
            clauses.append(first)
            if rest:
                clauses += _shorten(" ".join(rest), LATER_CHARS)
    return clauses


def gap_ms(clause: str) -> int:
    """Silence to leave behind `clause` when more follows."""
    return SENTENCE_GAP_MS if clause.rstrip("\"')]").endswith((".", "!", "?", "…")) else CLAUSE_GAP_MS
