"""Small talk: what callers say besides their business, and the words the house model answers with."""

from __future__ import annotations

import re
from typing import Literal

Talk = Literal[
    "greeting",
    "how_are_you",
    "thanks",
    "goodbye",
    "yes",
    "no",
    "repeat",
    "robot",
    "wait",
    "cancel",
    "help",
    "person",
    "back",
    "hear",
    "language",
    "rude",
    "tamper",
]

ANYTHING_ELSE = "Is there anything else I can help you with?"
ALL_RIGHT = f"All right. {ANYTHING_ELSE}"
HOW_HELP = "How can I help you?"
NOT_CAUGHT = "Sorry, I did not catch that."
BAD_LINE = "I am sorry, I still could not understand you. Could you say it once more, a little slower?"
STILL_THERE = "Are you still there?"
MOMENT = "One moment, please."
TAKE_TIME = "Of course, take your time."
WELCOME = f"You're welcome. {ANYTHING_ELSE}"
GOODBYE = "Thank you for calling. Goodbye!"
NOT_GOT = "Sorry, I did not get that."
DID_NOT_WORK = "I am sorry, that did not work."
CANNOT = "I am sorry, I can't help with that."
ONLY_ENGLISH = "I am sorry, I only speak English."
UPSET = "I am sorry that this is frustrating."
TAMPER = f"I can't help with that. {ANYTHING_ELSE}"
HEAR_YOU = "Yes, I can hear you."
NEITHER = "I am sorry, I don't know that either."
WRONG_LINE = "I am sorry, I can't hear you well enough. Please call again."
LEAVE_IT = f"I am sorry, let us leave it at that. {ANYTHING_ELSE}"
NO_PERSON = "I can't put you through to anyone just now."

_END = r"[\s.,!?]*$"
_POLITE = r"(?:[\s,.!]*(?:please|thanks|thank you|sir|madam|ma'am|then|now|for now|very much|so much|a lot|for your help|for that))*"


def _whole(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"^(?:{pattern}){_POLITE}{_END}", re.I)


# Checked in this order; each must be the whole of what was said, so that nothing of substance is lost.
_WHOLE: tuple[tuple[Talk, re.Pattern[str]], ...] = (
    ("goodbye", _whole(
        r"(?:(?:ok(?:ay)?|alright|all right|well|no|great|perfect|thanks?(?: you)?(?: very much| so much)?)[\s,.!]*)*"
        r"(?:good ?bye|bye(?:[\s-]?bye)?|see you(?: later| soon| then| tomorrow)?|talk to you (?:later|soon)|"
        r"have a (?:good|nice|great|lovely) (?:day|one|evening|afternoon|weekend|night)|(?:you can |please )?hang up|"
        r"(?:end|finish) the call|i have to go|i(?:'ve| have) got to go|that(?:'s| is| was| will be|'ll be) (?:all|it|everything)"
        r"(?: i (?:need|needed|wanted))?(?: for (?:now|today))?|(?:i'm|i am|we're) (?:done|all set|good)|nothing else|take care)"
        r"(?:[\s,.!]*(?:good ?bye|bye(?:[\s-]?bye)?|have a (?:good|nice|great) (?:day|one|evening)|thanks?(?: you)?))*"
    )),
    ("cancel", _whole(r"(?:(?:no|oh|actually|sorry)[\s,.!]*)*(?:never ?mind(?:[\s,.]+i(?:'ll| will) (?:call|try) (?:back |again )?(?:later|tomorrow|another time))?|(?:i'll|i will) (?:call|try) (?:back|again)(?: later| tomorrow)?|i don't want to(?: leave a message)?|i don't want (?:that|this|it)|forget (?:it|about it|that)|cancel(?: that| it)?|"
                      r"i(?:'ve| have) changed my mind|don't bother|leave it|stop)")),
    ("no", _whole(
        r"(?:no|nope|nah|not (?:really|now|today|at all)|no[\s,]+(?:i'm|i am|that's|it's|thank).*|i don't(?: think so| want to| need (?:to|that))?|"
        r"(?:i'm|i am|that's|it's) (?:fine|good|ok(?:ay)?|all right)|rather not|i'd rather not|no need|nothing)(?:[\s,.!]*(?:no|not (?:really|now|today)))*"
    )),
    ("yes", _whole(
        r"(?:(?:oh|ah|um|well)[\s,]*)?(?:yes|yeah|yep|yup|ya|sí|si|oui|sure(?: thing)?|of course|certainly|absolutely|definitely|please(?: do)?|go ahead|correct|right|exactly|"
        r"(?:yes[\s,]+)?(?:that (?:would|'d|will) be|that's|that is|sounds) (?:great|good|nice|fine|perfect|lovely|wonderful|ok(?:ay)?|right|correct)|"
        r"(?:yes[\s,]+)?(?:i would|i'd like that|i'd love to|i do|i am|it is|let's do that|do that|why not|go for it|you can|you may))"
        r"(?:[\s,.!]*(?:yes|yeah|sure|please|do|go ahead|i would|i'd like that|that would be (?:great|good|nice|fine)|that's (?:fine|right|ok(?:ay)?)))*"
    )),
    ("repeat", _whole(
        r"(?:(?:i'm )?sorry[\s,.!?]*|excuse me[\s,.!?]*|i )*(?:(?:can|could|would|will) you (?:please )?(?:repeat|say)(?: (?:that|it|this|again|once more))*|"
        r"(?:please )?(?:repeat|say)(?: (?:that|it|again|once more|please))+|repeat|what(?: did you say| was that)?|pardon(?: me)?|come again|"
        r"(?:i )?(?:didn't|did not|couldn't|could not|can't) (?:hear|catch|get|understand)(?: (?:that|you|it|what you said))?|"
        r"(?:can you |could you |please )*(?:(?:speak|talk) )?(?:up|louder|slower|more slowly|more clearly)|i (?:don't|do not|didn't) understand|one more time|again|sorry|excuse me|huh)"
    )),
    ("wait", _whole(
        r"(?:(?:ok(?:ay)?|h?m+|um+|uh+|please|sorry)[\s,.]*)*(?:(?:can you |could you )?(?:please )?(?:hold on|hang on|wait|hold|bear with me)"
        r"(?: (?:a|one|just a|for a))*(?: (?:moment|second|sec|minute|bit))?|(?:just )?(?:a|one|give me a|give me one) (?:moment|second|sec|minute)|let me (?:see|check|think))"
    )),
    ("back", _whole(r"(?:(?:ok(?:ay)?|alright|all right|yes|sorry)[\s,.!]*)*(?:i'm|i am|we're) (?:back|here|ready|still here)(?: again| now)?")),
    ("hear", _whole(r"(?:(?:hello|hi|sorry)[\s,.!?]*)*(?:can|do) you (?:still )?hear me|(?:hello[\s,.?]*)?are you (?:still )?there")),
    ("how_are_you", _whole(r"(?:(?:hi|hello|hey)[\s,.!]*(?:there)?[\s,.!]*)*how(?: are you(?: doing)?(?: today)?|'s it going| is it going| do you do)")),
    ("greeting", _whole(r"(?:hi|hello|hey|good (?:morning|afternoon|evening|day)|greetings|hallo|howdy)(?:[\s,.!?]*(?:there|hi|hello|again|is (?:any|some)(?:body|one) there|can you hear me|how are you))*")),
    ("thanks", _whole(
        r"(?:(?:ok(?:ay)?|great|perfect|wonderful|good|fine|alright|all right|excellent|lovely|super|cool|awesome|oh|ah|well|got it|i see|thank you(?: very much| so much)?|thanks(?: so much| a lot)?|that's (?:great|good|perfect|helpful|very helpful|wonderful|very kind))[\s,.!]*)*"
        r"(?:thank you(?: very much| so much)?|thanks(?: so much| a lot| a million)?|cheers|much appreciated|i appreciate (?:it|that|your help)|you(?:'ve| have) been (?:very |so |really |most )*(?:helpful|kind|a (?:great|big) help)|that(?:'s| is| was) (?:very |really )?(?:helpful|kind(?: of you)?|great|good to know))"
    )),
)  # fmt: skip

_INSIDE: tuple[tuple[Talk, re.Pattern[str]], ...] = (
    ("tamper", re.compile(
        r"\b(?:ignore|forget|disregard|override|bypass)\b.{0,30}\b(?:instructions?|rules|prompts?|guidelines)\b|\b(?:system|your|initial) (?:system )?(?:prompt|instructions)\b|"
        r"\bpretend (?:you|to be|that you)\b|\byou are now (?:a|an|my)\b|\bact as (?:a|an|if|the)\b|\bdeveloper mode\b|"
        r"\b(?:another|other|someone else's?|previous|last) (?:caller|patient|customer|client|people|person)(?:'s|s'|s)?\b.{0,30}\b(?:messages?|names?|numbers?|data|records?|call(?:s|ed)?)\b|"
        r"\b(?:messages?|names?|numbers?|records?) of (?:the |an)?other\b|\bread (?:me|out)\b.{0,20}\bmessages?\b|\bnames? of (?:your|the|other|all) (?:other )?(?:patients|customers|callers|clients)\b|\bwho (?:else )?(?:has )?called (?:before|earlier|today|you)\b", re.I)),
    ("language", re.compile(
        r"\b(?:do|can|does) (?:you|anyone|anybody|someone|somebody)(?: there)? speak (?!to|with|up|english|louder|slower)[A-Z]?[a-z]+|\bhabla(?:s|n)? (?:usted )?(?:español|espanol|inglés)|\bsprechen sie\b|"
        r"\bparlez[- ]vous|\bvous parlez\b|\bparla (?:italiano|inglese)|\bfala (?:português|inglês)", re.I)),
    ("robot", re.compile(
        r"\b(?:are you|am i (?:talking|speaking) (?:to|with)|is this|you're|you are|who are you)\b.{0,24}\b(?:robot|bot|machine|computer|ai|a\.i\.|"
        r"artificial|chatbot|recording|automated|real|human(?: being)?|actual person|answering machine)\b|^who are you|^(?:who (?:made|built) you|what(?:'s| is) your name)|^what are you\b[\s?.]*$|^who am i (?:talking|speaking) (?:to|with)", re.I)),
    ("person", re.compile(
        r"\b(?:talk|speak|connect(?: me)?|put me through|transfer(?: me)?|get|give me|need|want|reach)\b.{0,24}\b(?:real|actual|human|live|a) ?(?:person|human|human being|agent|operator|representative|somebody|someone)\b|"
        r"\b(?:talk|speak) (?:to|with) (?:somebody|someone|a human|your (?:manager|boss|staff)|the (?:manager|boss|owner|receptionist))\b|^(?:operator|representative|agent|human|real person)[\s.!,]*(?:please)?[\s.!]*$", re.I)),
    ("person", re.compile(r"\b(?:put|connect|transfer) me (?:through|over|to|with)\b|\bi hate (?:talking|speaking) to (?:a )?(?:machine|robot|computer)s?\b", re.I)),
    ("rude", re.compile(r"\b(?:fuck\w*|shit|bullshit|asshole|bitch|bastard|damn you|idiot|moron|stupid|useless|piece of crap)\b", re.I)),
    ("help", re.compile(r"\bwhat (?:can|do) you (?:do|help(?: me)? with)\b|\bhow can you help\b|^help(?: me)?[\s.!]*$|\bwhat are my options\b", re.I)),
)  # fmt: skip

_PLEASANTRY = re.compile(
    r"^(?:(?:hi|hello|hey|good (?:morning|afternoon|evening|day)|ok(?:ay)?|alright|all right|great|perfect|well|so|um+|uh+|er+|ah|oh|"
    r"thank you(?: very much| so much)?|thanks(?: a lot)?|excuse me|sorry|yes|yeah|i see|there|and|actually|also|how are you(?: today)?)\b[\s,.!?-]+)+",
    re.I,
)
_NOISE = re.compile(r"^(?:\W|\b(?:um+|uh+|er+|hm+|mm+|mhm|ah+|oh+|huh|you|the|a|so|and)\b)*$", re.I)
_ACK = re.compile(
    r"^(?:\W|\b(?:ok(?:ay)?|alright|all right|i see|got it|great|perfect|good|fine|cool|right|mm-?hm+|uh-?huh|understood|excellent|wonderful)\b)+$",
    re.I,
)


def is_noise(text: str) -> bool:
    """Whether there is nothing in `text` to answer."""
    return bool(_NOISE.match(text.strip()))


def is_acknowledgement(text: str) -> bool:
    """ "Okay", "I see": heard, no wish in it."""
    return bool(_ACK.match(text.strip()))


_FOREIGN = frozenset(
    [
        "hola",
        "buenos",
        "días",
        "buenas",
        "quiero",
        "quisiera",
        "necesito",
        "una",
        "cita",
        "para",
        "mañana",
        "por",
        "favor",
        "gracias",
        "el",
        "la",
        "los",
        "con",
        "está",
        "usted",
        "tengo",
        "guten",
        "tag",
        "ich",
        "möchte",
        "einen",
        "eine",
        "termin",
        "bitte",
        "danke",
        "nicht",
        "und",
        "der",
        "das",
        "ist",
        "für",
        "mit",
        "haben",
        "sie",
        "wir",
        "bonjour",
        "je",
        "voudrais",
        "un",
        "rendez",
        "vous",
        "est",
        "ce",
        "que",
        "avec",
        "pour",
        "merci",
        "ciao",
        "vorrei",
        "buongiorno",
        "grazie",
        "olá",
        "obrigado",
        "não",
    ]
)
_ENGLISH = frozenset(
    "the a is are you i my me to of and in it that for have do what when how can please want with we not on at this".split()  # noqa: SIM905
)
_FAREWELL = re.compile(
    r"\b(?:good ?bye|bye|that(?:'s| is| was| will be| would be) (?:all|it|everything)|was everything|hang up|(?:nice|good|great|lovely) (?:day|evening|weekend|night|afternoon|one)|"
    r"see you|take care|talk (?:to you )?(?:later|soon)|end the call|nothing else|have to go|got to go|all set|no more questions)\b",
    re.I,
)


def is_foreign(text: str) -> bool:
    """Whether `text` is mostly Spanish, German, French or the like: by its small words."""
    words = re.findall(r"[^\W\d_]+", text.lower())
    foreign, english = sum(w in _FOREIGN for w in words), sum(w in _ENGLISH for w in words)
    return foreign >= 2 and foreign > 2 * english and foreign * 3 >= len(words)


def is_farewell(text: str) -> bool:
    """Whether words of parting are in `text`: without them no call is ended."""
    return bool(_FAREWELL.search(text.replace("’", "'")))


def small_talk(text: str) -> Talk | None:
    """What kind of small talk `text` is, if that is all it is."""
    plain = " ".join(text.replace("’", "'").split())
    for talk, pattern in _WHOLE:
        if pattern.match(plain):
            return talk
    for talk, pattern in _INSIDE:
        # A swear word in a question of substance is overheard.
        if pattern.search(plain) and not (talk == "rude" and len(plain.split()) > 9):
            return talk
    return "language" if is_foreign(plain) else None


def without_pleasantries(text: str) -> str:
    """`text` from its first word of substance; the whole of it where there is none."""
    rest = _PLEASANTRY.sub("", text.strip())
    return rest if len(rest.split()) >= 2 else text.strip()
