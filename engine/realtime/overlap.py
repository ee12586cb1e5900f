"""What a caller says while an answer is being played: does it ask for the turn, or only show that somebody listens?

Cutting an answer for every "mm-hm" and every cough makes it unbearable; cutting it late makes it deaf. So voice of
`BARGE_IN_MS` always interrupts, and less than that only with words that mean something: they are looked for after
`LISTEN_MS`, while the caller is still speaking, and in every pause.
"""

from __future__ import annotations

import re

#: Voice (ms) that interrupts whatever it says: an "uh-huh" is over by then.
BARGE_IN_MS = 700
#: Voice (ms) after which it is worth asking for the words so far.
LISTEN_MS = 350
#: A sound without words that is longer than this may have been words: better to ask than to talk on.
WORDLESS_MS = 500

#: "Mm-hm", "uh-huh", "hmm", "ah", "um": sounds as a recogniser spells them, letter by letter at times.
_SOUND = re.compile(r"[hmn]|m+h?-?h?[mn]*|h+m+|uh+(?:-?huh)?|huh|u+m+|a+h+a?|o+h+")
_NODS = frozenset(["yeah", "yep", "yup", "okay", "ok", "right", "alright", "sure"])
_NODDING = re.compile(r"\b(?:i (?:see|c)|got it|all right)\b")


def is_backchannel(text: str, answering: str) -> bool:
    """Whether `text`, said over `answering` (what was heard of the answer by then), asks for nothing.

    No words at all are noise. "Yes" and "no" always mean something, and behind a question so does "okay".
    """
    words = re.findall(r"[a-z]+(?:-[a-z]+)*", _NODDING.sub(" okay ", text.lower().replace("’", "'")))
    if not words:
        return not re.search(r"\w", text)
    if answering.rstrip().endswith("?"):
        return False
    return len(words) <= 4 and all(word in _NODS or _SOUND.fullmatch(word) for word in words)
