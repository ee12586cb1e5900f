"""Which words of a caller's question say what it is about, and what else a business may call the same thing. Pure.

PostgreSQL's stop words and stemming come after this; the lists here hold what is peculiar to questions asked on the
telephone of a small business. English; for other languages every word counts and nothing is added.
"""

from __future__ import annotations

import re
from pathlib import Path

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")


def _lines(name: str) -> str:
    return (Path(__file__).parent / "data" / name).read_text()


#: Words that say nothing of the topic of a telephone question, beside PostgreSQL's own stop words.
_FRAME = frozenset(_lines("frame_en.txt").split())

#: Families of words that mean the same thing on the telephone of a small business.
_FAMILIES = tuple(frozenset(line.split()) for line in _lines("families_en.txt").splitlines())

_WHERE = re.compile(
    r"\b(where\b.*\b(?:are|is|do|can)\b.*\b(?:you|your|office|find|located|shop|store)|get to you|get there)\b",
    re.I,
)
_HOW_MUCH = re.compile(r"\bhow much\b|\bwhat (?:do|would) (?:you|i|it) (?:charge|pay|cost)\b", re.I)
_HOW_LONG = re.compile(r"\bhow long\b", re.I)
_WHAT_AT_ALL = re.compile(
    r"\b(?:what|which|list)\b.{0,20}\bservices\b|\bwhat (?:all )?do you (?:do|offer)\s*\??$", re.I
)
#: Question forms whose meaning lies in stop words; each adds a group of its own.
_FORMS = (
    (_WHERE, "located address street"),
    (_HOW_MUCH, "price cost dollars"),
    (_HOW_LONG, "minutes hours weeks days"),
    (_WHAT_AT_ALL, "services"),
)

MAX_GROUPS = 12


def spoken_words(question: str) -> list[str]:
    """Words of `question` in lower case, straight apostrophes."""
    return [word.lower().replace("’", "'") for word in _WORD.findall(question)]


def groups(question: str, language: str = "en") -> list[list[str]]:
    """What the question is about: one group a content word, each with the words that mean the same.

    At most `MAX_GROUPS`, in the order asked. Empty for a question of stop words alone.
    """
    if not language.startswith("en"):
        return [[word] for word in dict.fromkeys(spoken_words(question))][:MAX_GROUPS]
    found: list[list[str]] = []
    seen: set[str] = set()
    for word in spoken_words(question):
        word = word.removesuffix("'s")
        if word in _FRAME or word in seen:
            continue
        family = sorted(set().union(*(f for f in _FAMILIES if word in f)) - {word})
        seen |= {word, *family}
        found.append([word, *family])
    for pattern, words in _FORMS:
        if pattern.search(question) and not seen & set(words.split()):
            found.append(words.split())
    return found[:MAX_GROUPS]
