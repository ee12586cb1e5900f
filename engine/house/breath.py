"""What one breath of a caller holds: a message beside the wish to leave it, two questions, a question after a story."""

from __future__ import annotations

import re

from engine.house.values import is_question, message_in, name_in, phone

_LEAD_IN = (
    r"(?:(?:hi|hello|hey|yes|yeah|sure|ok(?:ay)?|please|so|well|um+|uh+|actually|no|sorry|good (?:morning|afternoon|evening)|"
    r"thanks?(?: you)?|and|that|just|oh)\b[\s,.!-]*)*"
)
_ASKING = r"(?:(?:i(?:'d| would)? (?:like|want|need|wanted|have|wish)|i wanna|can|could|may|might|would|will|let|i|you|me|please|just|to|like)\s+)*"
_WISH = re.compile(
    rf"\b{_ASKING}(?:leave|take|pass on|record|give|send)\s+(?:(?:a|the|my|him|her|them|you)\s+)*(?:quick |short )?message\b"
    r"(?P<whom>\s+(?:for|to)\s+(?:(?:dr|mr|mrs|ms)\.?\s+\w+|(?:the|your|my)\s+\w+|(?-i:[A-Z])\w+))?(?:,?\s*please)?[\s,.:;?!]*",
    re.I,
)
_INTRODUCTION = re.compile(
    r"\b(?:this is|my name(?: is|'s)|the name(?: is|'s)|i'm|i am|it's|it is)\s+"
    r"(?-i:(?:(?:[Mm]rs?|[Mm]s|[Dd]r)\.? )?[A-ZÀ-Þ][\w'’-]*(?: [A-ZÀ-Þ][\w'’-]*){0,2})(?:\s+(?:speaking|calling|here))?[\s,.;!]*(?:and\b\s*)?",
    re.I,
)
_DIGIT_WORDS = r"(?:zero|oh|one|two|three|four|five|six|seven|eight|nine|double|triple)\b"
_NUMBER = re.compile(
    rf"\b(?:(?:my|the) (?:phone |telephone |cell )?number(?: is|'s)|(?:at|on|under)(?= \+?\d))[\s:]*(?:(?:\+?\d[\d().-]*|{_DIGIT_WORDS})[\s,.-]*)*",
    re.I,
)
_PERSON = re.compile(
    r"^(?:can|could|may|i|would|like|want|need|to|please|is|get|let|me|put|connect|transfer|through)\b.*\b(?:(?:speak|talk) (?:to|with)|through to|"
    r"connect(?:ed)?|transfer(?:red)?|person|human|there|in)\b(?!.*\b(?:about|regarding|because|that|concerning)\b)",
    re.I,
)
_ONLY_CALL_BACK = re.compile(
    r"^(?:(?:can|could|would|will|have|ask|please|someone|somebody|anyone|you|to)\s+)*(?:call|ring|phone) (?:me|us)(?: back)?"
    r"(?: on (?:a|another)(?: different| new| other)?(?: number)?)?(?:,? please)?[\s.?!]*$",
    re.I,
)
_EMPTY = frozenset(
    [
        "yes",
        "no",
        "ok",
        "okay",
        "sure",
        "please",
        "thanks",
        "thank",
        "you",
        "i",
        "me",
        "my",
        "a",
        "the",
        "to",
        "for",
        "and",
        "it",
        "is",
        "that",
        "would",
        "like",
        "want",
        "do",
        "go",
        "ahead",
        "correct",
    ]
)
_SPLIT = re.compile(
    r"(?<=[?])\s+(?:and |also )?|,?\s+(?:and|also)\s+(?=(?:also )?(?:what|when|where|who|how|do|does|is|are|can|could|will|which|why)\b)|"
    r"(?<=[.])\s+(?=(?:and |also )?(?:what|when|where|who|how|do|does|is|are|can|could|will|which|why)\b)",
    re.I,
)
_GIST = re.compile(
    r".*\b(?:what i (?:really )?(?:wanted|want|need|would like) to (?:know|ask)(?: you)?(?: is)?|my question is|(?:i (?:just )?(?:wanted|want|need) to|i'd like to|i would like to) "
    r"(?:know|ask)(?: you)?|(?:can|could) you (?:please )?tell me|do you know)[\s,:]+(?:if |whether )?(.{12,})$",
    re.I | re.S,
)
#: From this many words on a question is looked for at the end of the story.
_LONG = 22
#: With this many words around it the story belongs to the message.
_STORY = 16
_CLOSING_NAME = re.compile(r"(?<=[.?!])\s+(?:this is|my name(?: is|'s)|it's|i'm)\s+[^.?!]{2,40}[.!]?$", re.I)


def message_left(text: str) -> str | None:
    """The message in a caller's first sentence, without the wish to leave it, who calls, and their number."""
    told = message_in(text)
    if told and len(text.split()) - len(told.split()) <= _STORY:
        return _CLOSING_NAME.sub("", told).strip()
    plain = re.sub(rf"^{_LEAD_IN}", "", text.strip(), flags=re.I)
    wish = _WISH.search(plain)
    rest = _WISH.sub(" ", plain)
    if name_in(text):
        rest = _INTRODUCTION.sub(" ", rest)
    if phone(text):
        rest = _NUMBER.sub(" ", rest)
    rest = " ".join(re.sub(rf"^[\s,.;:!?-]*{_LEAD_IN}(?:saying |about it )?", "", rest, flags=re.I).split()).strip(
        " ,;"
    )
    words = re.findall(r"[^\W_]+", rest.lower())
    bare = _PERSON.match(rest) or (_ONLY_CALL_BACK.match(rest) and (is_question(rest) or "number" in rest or not wish))
    if len(words) < 2 or bare or set(words) <= _EMPTY:
        return None
    whom = (wish.group("whom") or "").strip() if wish else ""
    return f"{whom[:1].upper()}{whom[1:]}: {rest}" if whom else rest[:1].upper() + rest[1:]


def only_introduces(text: str) -> bool:
    """Whether a short sentence gives a name or a number and nothing else: "No, my name is Meier"."""
    return len(text.split()) <= 16 and bool(name_in(text) or phone(text)) and message_left(text) is None


def questions(text: str) -> list[str]:
    """The questions of one breath, at most three; one where the text is not a row of questions."""
    parts = [part.strip(" ,") for part in _SPLIT.split(text.strip()) if part and len(part.split()) >= 3]
    if 2 <= len(parts) <= 3 and all(is_question(part) for part in parts):
        return parts
    return [text]


def gist(text: str) -> str:
    """The question at the end of a long story; the text itself where there is none."""
    found = _GIST.match(text) if len(text.split()) >= _LONG else None
    return found.group(1).strip() if found else text


def is_about(text: str) -> bool:
    """Whether a caller says what it is about: "It's about a double charge"."""
    start = rf"^{_LEAD_IN}(?:(?:it's|it is|that's|this is|i'm calling|i am calling)\s+)?"
    return bool(re.match(rf"{start}(?:about|regarding|concerning|because)\b.", text, re.I))
