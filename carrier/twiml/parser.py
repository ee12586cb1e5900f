"""From XML to verbs.

An attribute we don't know is ignored with a warning, as Twilio does (12200); a verb we don't know, or know and can't do
yet, is an error, so that the call takes its next rung instead of losing a part of itself in silence.
"""

from __future__ import annotations

import logging
import xml.etree.ElementTree as ET
from collections.abc import Callable

from carrier.twiml.attributes import Attributes
from carrier.twiml.model import (
    KEYS,
    Connect,
    Gather,
    Hangup,
    Pause,
    Play,
    Record,
    Recording,
    Redirect,
    Reject,
    Say,
    Start,
    Stop,
    Stream,
    TwimlError,
    Verb,
)

log = logging.getLogger(__name__)

MAX_BYTES = 64 * 1024

#: Verbs of Twilio's that have no handler here yet.
NOT_YET = frozenset({"Dial", "Enqueue", "Leave", "Queue", "Refer", "Pay", "Prompt", "Sms", "Echo"})
#: Nouns of Twilio's that have none.
NOT_YET_INSIDE = frozenset({"Siprec", "Transcription", "ConversationRelay", "VirtualAgent", "Room", "Conversation"})


def _children(element: ET.Element, *allowed: str) -> list[ET.Element]:
    for child in element:
        if child.tag not in allowed:
            raise TwimlError(12200, f"<{child.tag}> can't be inside <{element.tag}>")
    return list(element)


def _only_child(element: ET.Element, *allowed: str) -> ET.Element:
    for child in element:
        if child.tag in NOT_YET_INSIDE and child.tag not in allowed:
            raise TwimlError(12200, f"<{element.tag}><{child.tag}> is not supported by this carrier yet")
    children = _children(element, *allowed)
    if len(children) != 1:
        raise TwimlError(12200, f"<{element.tag}> needs exactly one of " + ", ".join(f"<{name}>" for name in allowed))
    return children[0]


def _say(element: ET.Element, a: Attributes) -> Say:
    # SSML inside is spoken as its text.
    text = " ".join("".join(element.itertext()).split())
    if len(text) > 4096:
        raise TwimlError(13520, "<Say> holds at most 4096 characters")
    a.ignore("language")
    return Say(text, a.text("voice"), a.whole("loop", 1, 0, 1000))


def _play(element: ET.Element, a: Attributes) -> Play:
    url, digits = (element.text or "").strip(), a.text("digits")
    if bool(url) == bool(digits):
        raise TwimlError(13420, "<Play> needs a URL or digits")
    if set(digits.lower()) - set(KEYS + "abcdw"):
        raise TwimlError(13420, "<Play> digits must be keys")
    return Play(url, digits, a.whole("loop", 1, 0, 1000))


def _pause(element: ET.Element, a: Attributes) -> Pause:
    return Pause(a.whole("length", 1, 0, 3600))


def _gather(element: ET.Element, a: Attributes) -> Gather:
    inputs = a.text("input", "dtmf").split()
    if "dtmf" not in inputs:
        raise TwimlError(12200, "<Gather> of speech is not supported by this carrier yet")
    if len(inputs) > 1:
        log.warning("Only keys are gathered, speech is not heard")
    prompts: list[Say | Play | Pause] = []
    for child in _children(element, "Say", "Play", "Pause"):
        prompt = _verb(child)
        assert isinstance(prompt, Say | Play | Pause)
        prompts.append(prompt)
    a.ignore("language", "hints", "speechTimeout", "speechModel", "enhanced", "bargeIn", "profanityFilter", "debug")
    a.ignore("maxSpeechTime", "partialResultCallback", "partialResultCallbackMethod")
    num_digits = a.whole("numDigits", 0, 1, 255) if "numDigits" in element.attrib else None
    return Gather(
        tuple(prompts),
        a.text("action"),
        a.method(),
        a.number("timeout", 5, 0, 3600),
        a.keys("finishOnKey", "#"),
        num_digits,
        a.truth("actionOnEmptyResult", False),
    )


def _trim(a: Attributes) -> bool:
    return a.choice("trim", "do-not-trim", ("trim-silence", "do-not-trim")) == "trim-silence"


def _record(element: ET.Element, a: Attributes) -> Record:
    if a.truth("transcribe", False):
        log.warning("This carrier does not transcribe recordings")
    a.ignore("transcribeCallback")
    return Record(
        a.text("action"),
        a.method(),
        a.number("timeout", 5, 0.1, 3600),
        a.keys("finishOnKey", KEYS),
        a.number("maxLength", 3600, 1, 14400),
        a.truth("playBeep", True),
        _trim(a),
        a.text("recordingStatusCallback"),
        a.method("recordingStatusCallbackMethod"),
        a.events("recordingStatusCallbackEvent"),
    )


def _stream(element: ET.Element, a: Attributes) -> Stream:
    url = a.text("url")
    if not url:
        raise TwimlError(12200, "<Stream> needs a url")
    parameters = {}
    for child in _children(element, "Parameter"):
        name, value = child.get("name", ""), child.get("value", "")
        if not name or len(name) + len(value) >= 500:
            raise TwimlError(12200, "<Parameter> needs a name; name and value together stay below 500 characters")
        parameters[name] = value
    return Stream(
        url,
        a.text("name"),
        a.choice("track", "inbound_track", ("inbound_track", "outbound_track", "both_tracks")),
        a.text("statusCallback"),
        a.method("statusCallbackMethod"),
        parameters,
    )


def _recording(element: ET.Element, a: Attributes) -> Recording:
    return Recording(
        {"mono": 1, "dual": 2}[a.choice("channels", "dual", ("mono", "dual"))],
        a.choice("track", "both", ("inbound", "outbound", "both")),
        _trim(a),
        a.text("recordingStatusCallback"),
        a.method("recordingStatusCallbackMethod"),
        a.events("recordingStatusCallbackEvent"),
    )


def _noun(element: ET.Element) -> Stream | Recording:
    attributes = Attributes(element)
    noun = _stream(element, attributes) if element.tag == "Stream" else _recording(element, attributes)
    attributes.done()
    return noun


def _connect(element: ET.Element, a: Attributes) -> Connect:
    noun = _noun(_only_child(element, "Stream"))
    assert isinstance(noun, Stream)
    return Connect(noun, a.text("action"), a.method())


def _start(element: ET.Element, a: Attributes) -> Start:
    return Start(_noun(_only_child(element, "Stream", "Recording")))


def _stop(element: ET.Element, a: Attributes) -> Stop:
    noun = _only_child(element, "Stream", "Recording")
    return Stop("stream", noun.get("name", "")) if noun.tag == "Stream" else Stop("recording")


def _redirect(element: ET.Element, a: Attributes) -> Redirect:
    return Redirect((element.text or "").strip(), a.method())


def _reject(element: ET.Element, a: Attributes) -> Reject:
    return Reject(a.choice("reason", "rejected", ("rejected", "busy")))


def _hangup(element: ET.Element, a: Attributes) -> Hangup:
    return Hangup()


_PARSERS: dict[str, Callable[[ET.Element, Attributes], Verb]] = {
    "Say": _say,
    "Play": _play,
    "Pause": _pause,
    "Gather": _gather,
    "Record": _record,
    "Connect": _connect,
    "Start": _start,
    "Stop": _stop,
    "Redirect": _redirect,
    "Reject": _reject,
    "Hangup": _hangup,
}


def _verb(element: ET.Element) -> Verb:
    parser = _PARSERS.get(element.tag)
    if parser is None:
        if element.tag in NOT_YET:
            raise TwimlError(12200, f"<{element.tag}> is not supported by this carrier yet")
        raise TwimlError(12200, f"<{element.tag}> is not a TwiML verb")
    attributes = Attributes(element)
    verb = parser(element, attributes)
    attributes.done()
    return verb


def parse(body: bytes) -> list[Verb]:
    """The verbs of a document in order. Raises `TwimlError`."""
    if len(body) > MAX_BYTES:
        raise TwimlError(11750, "the document is larger than 64 kB")
    if b"<!DOCTYPE" in body or b"<!ENTITY" in body:
        raise TwimlError(12100, "document types are not accepted")
    try:
        root = ET.fromstring(body)  # noqa: S314 - see above
    except (ET.ParseError, ValueError, LookupError):
        raise TwimlError(12100, "the document is not well-formed XML") from None
    if root.tag != "Response":
        raise TwimlError(12100, "the root element must be <Response>")
    return [_verb(element) for element in root]
