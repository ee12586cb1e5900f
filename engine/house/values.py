"""Finding values in what a caller says: names, telephone numbers, days, times, numbers, messages."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from typing import Any

from engine.house.tools import Param

_DIGITS = {
    "zero": "0", "oh": "0", "o": "0", "one": "1", "two": "2", "three": "3", "four": "4", "for": "4", "five": "5",
    "six": "6", "seven": "7", "eight": "8", "nine": "9", "ten": "10", "eleven": "11", "twelve": "12",
    "thirteen": "13", "fourteen": "14", "fifteen": "15", "sixteen": "16", "seventeen": "17", "eighteen": "18",
    "nineteen": "19",
}  # fmt: skip
_TENS = {
    "twenty": "2", "thirty": "3", "forty": "4", "fifty": "5", "sixty": "6", "seventy": "7", "eighty": "8", "ninety": "9",
}  # fmt: skip
_REPEAT = {"double": 2, "triple": 3}

_WEEKDAYS = "monday|tuesday|wednesday|thursday|friday|saturday|sunday"
_MONTHS = "january|february|march|april|may|june|july|august|september|october|november|december"
_DAY = re.compile(
    rf"\b((?:next |this |on )?(?:{_WEEKDAYS})s?|today|tonight|tomorrow|the day after tomorrow|"
    rf"(?:the )?weekends?|(?:{_MONTHS}) \d{{1,2}}(?:st|nd|rd|th)?|(?:the )?\d{{1,2}}(?:st|nd|rd|th)(?: of (?:{_MONTHS}))?|"
    r"(?:the |public |bank )*holidays?|this (?:morning|afternoon|evening)|(?:labor|memorial|veterans|independence|columbus) day|good friday|juneteenth|\d{4}-\d\d-\d\d|christmas(?: eve)?|new year'?s(?: day| eve)?|easter|thanksgiving)\b",
    re.I,
)
_NOW = re.compile(r"\b(?:right now|now|at the moment|currently|still|already)\b", re.I)
_TIME = re.compile(
    r"\b(\d{1,2}(?::\d\d)? ?(?:a\.?m\.?|p\.?m\.?|o'clock)|\d{1,2}:\d\d|noon|midnight|(?:half|quarter) past \w+|"
    r"(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)(?: (?:thirty|fifteen|forty-five))?"
    r"(?: o'clock| in the (?:morning|afternoon|evening)| ?[ap]\.?m\.?))(?!\w)",
    re.I,
)
_AT = re.compile(r"\bat (\d{1,2}(?::\d\d)?|(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve))\b", re.I)

_NAME_WORD = r"[^\W\d_][\w'’.-]*"
_CAPITAL = r"(?-i:[A-ZÀ-Þ])[\w'’-]*"
_TITLE = r"(?:(?:mr|mrs|ms|miss|dr|doctor|professor)\.? )?"
_FULL = rf"{_TITLE}{_NAME_WORD}(?: (?!and\b|calling\b|from\b|here\b|speaking\b|i\b|the\b|my\b|please\b|about\b){_NAME_WORD}){{0,2}}"
_FULL_CAPITAL = rf"{_TITLE}{_CAPITAL}(?: {_CAPITAL}){{0,2}}"
_NAMED = (
    re.compile(
        rf"\b(?:my name(?: is|'s)|the name(?: is|'s)|name is|me llamo|mein name ist|ich hei(?:ß|ss)e) ({_FULL})", re.I
    ),
    re.compile(
        rf"\b(?:this is|i'm|i am|i am called|call me|it's|it is) ({_FULL_CAPITAL})(?! (?:about|that|the))", re.I
    ),
    re.compile(rf"\b({_FULL_CAPITAL}) (?:called|speaking|here|calling)\b", re.I),
)
#: Three letters or more, one by one; a comma or "that is" around them belongs to the spelling.
_LETTERS = re.compile(
    r"(?:,?\s*(?:that is|that's|spelled|spelt|it's spelled)\s+|,\s*|\b)((?:[A-Za-z][-.,\s]+){2,}[A-Za-z]\b(?!['’])),?",
    re.I,
)
_NO_NAMES = """
i it he she they we you that this there what who yes no hi hello please tell just not sorry so and but calling ok okay sure
put me through call want need don't do not can could would is are was my your the to never mind message person human get
back about later now let give stop shut who what why nothing none refill appointment tooth
monday tuesday wednesday thursday friday saturday sunday somebody someone
"""
_NO_NAME = frozenset(_NO_NAMES.split())
_LEAD = re.compile(
    r"^(?:(?:yes|yeah|yep|sure|ok(?:ay)?|of course|certainly|well|so|um+|uh+|er+|ah|oh|please|thank you|thanks|hi|hello|"
    r"right|alright|all right|and|that is|that's|it's|it is|this is|i'm|i am|my name(?: is|'s)|the name(?: is|'s))"
    r"\b[\s,.!]*)+",
    re.I,
)
_FILLER = re.compile(
    r"^(?:(?:um+|uh+|er+|well|so|yes|yeah|sure|ok(?:ay)?|please|alright|all right|of course)\b[\s,.!-]*)+", re.I
)
_WHOM = r"(?:them|him|her|the \w+(?: \w+)?|your \w+|(?:dr|doctor|mr|mrs|ms)\.? \w+|everyone|(?-i:[A-Z])\w+)"
_MESSAGES = (
    re.compile(rf"\b(?:tell|inform) {_WHOM} (?:that |to say |)(.+)", re.I | re.S),
    re.compile(rf"\blet {_WHOM} know (?:that |)(.+)", re.I | re.S),
    re.compile(rf"\b(ask {_WHOM} to .+)", re.I | re.S),
    re.compile(
        r"\b((?:call|ring|phone|contact) (?:me|us)(?: back)? (?:about|because|regarding|as soon|before|after|today|tomorrow|this|when).+)",
        re.I | re.S,
    ),
    re.compile(r"\b(?:the|my) message is:? (?:that |)(.+)", re.I | re.S),
    re.compile(r"\bmessage (?:saying|that says|to say) (?:that |)(.+)", re.I | re.S),
)
_QUESTION = re.compile(
    r"^(?:what|when|where|who|why|how|which|do|does|did|is|are|can|could|will|would|should|have|has|may|am)\b", re.I
)


def is_question(text: str) -> bool:
    """Whether a caller asks something rather than answers."""
    return text.rstrip().endswith("?") or bool(_QUESTION.match(_FILLER.sub("", text.strip())))


def spoken_digits(text: str) -> str:
    """All digits of a spoken number: "five five five, double two" → "55522"; a leading + is kept."""
    words = re.findall(r"[a-z]+|\d+", text.lower().replace("-", " "))
    out, times, index = "", 1, 0
    while index < len(words):
        word = words[index]
        digits = ""
        if word.isdigit():
            digits = word
        elif word in _REPEAT:
            times = _REPEAT[word]
        elif word in _TENS:
            following = _DIGITS.get(words[index + 1], "") if index + 1 < len(words) else ""
            single = len(following) == 1 and following != "0"
            digits = _TENS[word] + (following if single else "0")
            index += int(single)
        elif word in _DIGITS and not (word in ("for", "o") and not out):
            digits = _DIGITS[word]
        if digits:
            out += digits * times
            times = 1
        index += 1
    return ("+" if text.strip().startswith("+") or " +" in text else "") + out


def phone(text: str, least: int = 7) -> str | None:
    """A telephone number in `text`; None with fewer than `least` digits or more than 15."""
    written = re.search(r"\+?\d[\d\s().-]{5,}\d", text)
    digits = spoken_digits(written.group(0) if written else text)
    return digits if least <= len(digits.lstrip("+")) <= 15 else None


def _tidy_name(name: str) -> str | None:
    words = name.strip(" .,!?'’").split()
    if any(word.lower() in _NO_NAME for word in words):
        words = words[: next(index for index, word in enumerate(words) if word.lower() in _NO_NAME)]
    if not words or re.split("['’]", words[0].lower())[0] in _NO_NAME:
        return None
    # A short name spoken once is sometimes heard twice: "John. John."
    once: list[str] = []
    for word in words:
        if once and SequenceMatcher(None, once[-1].lower(), word.lower()).ratio() > 0.6:
            once.pop()  # said, then spelled: the spelling counts
        once.append(word)
    return " ".join(word if word[0].isupper() else word.capitalize() for word in once)


def _spelled(text: str) -> str:
    """ "Smythe, S M Y T H E" → "Smythe Smythe"."""
    return _LETTERS.sub(lambda found: f" {re.sub('[^A-Za-z]', '', found.group(1)).capitalize()} ", text)


def name_in(text: str) -> str | None:
    """A name the caller gives in passing."""
    text = " ".join(_spelled(text).split())
    for pattern in _NAMED:
        for found in pattern.finditer(text):
            name = _tidy_name(found.group(1))
            if name:
                return name
    return None


def message_in(text: str) -> str | None:
    """A message given in one breath with the wish to leave it."""
    for pattern in _MESSAGES:
        found = pattern.search(text)
        if found and len(found.group(1).split()) >= 2:
            return re.sub(r"^to (?=[a-z])", "", found.group(1).strip())
    return None


def _number(text: str) -> int | None:
    digits = re.search(r"\d+", text)
    if digits:
        return int(digits.group(0))
    spoken = spoken_digits(re.sub(r"^for\b", "", text.strip(), flags=re.I))
    return int(spoken) if spoken.isdigit() and len(spoken) <= 4 else None


def _choice(text: str, choices: tuple[str, ...]) -> str | None:
    lowered = f" {re.sub(r'[^a-z0-9 ]+', ' ', text.lower())} "
    matching = [c for c in choices if f" {c.lower().replace('_', ' ')} " in lowered]
    return max(matching, key=len) if matching else None


def is_message(param: Param) -> bool:
    """Whether a parameter takes words to pass on."""
    return param.kind == "text" and bool(re.search(r"message|note|text|body", param.name, re.I))


def find(param: Param, text: str) -> Any:
    """The value of `param` if the caller gives it unasked; None otherwise."""
    if param.kind == "name":
        return name_in(text)
    if param.kind == "phone":
        return phone(text)
    if param.kind == "day":
        found = _DAY.search(text)
        if found is None:
            return "now" if is_question(text) and len(text.split()) <= 8 and _NOW.search(text) else None
        return re.sub(r"^on ", "", found.group(1), flags=re.I).lower()
    if param.kind == "time":
        found = _TIME.search(text) or _AT.search(text)
        return re.sub(r"(?<![ap]\.m)\.$", "", found.group(1).lower()) if found else None
    if param.kind == "choice":
        return _choice(text, param.choices)
    if param.kind == "number":
        found = re.search(
            r"\b(?:for |of )?(\d+|\w+) (?:people|persons|guests|of us|adults|nights|pieces)\b", text, re.I
        )
        return _number(found.group(1)) if found else None
    if is_message(param):
        return message_in(text)
    return None


def answer(param: Param, text: str) -> Any:
    """The value of `param` when the caller was asked for it; None where there is none in `text`."""
    plain = _FILLER.sub("", text).strip()
    if param.kind == "name":
        return name_in(text) or _bare_name(text)
    if param.kind == "phone":
        return phone(text, least=5)
    if param.kind == "number":
        return _number(text)
    if param.kind == "choice":
        return _choice(text, param.choices)
    if param.kind == "yes_no":
        if re.match(r"(yes|yeah|yep|sure|please|correct|right|of course)\b", text.strip(), re.I):
            return True
        return False if re.match(r"(no|nope|not)\b", text.strip(), re.I) else None
    if param.kind in ("day", "time"):
        return find(param, text) or plain or None
    return message_in(text) or plain or text.strip() or None


def _bare_name(text: str) -> str | None:
    if is_question(text):
        return None
    text = " ".join(_spelled(text).split())
    plain = _LEAD.sub("", text).strip()
    plain = re.split(
        r"[,;!?]|(?<!\b[DdMm]r)(?<!\b[Mm]rs)(?<!\b[Mm]s)\.| and (?=(?:i|my|we|please|the)\b)| from | calling| speaking| here\b| i'm | my ",
        plain,
        flags=re.I,
    )[0]
    words = plain.split()
    return _tidy_name(plain) if 1 <= len(words) <= 4 and not any(word.isdigit() for word in words) else None
