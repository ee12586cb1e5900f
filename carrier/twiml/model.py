"""The verbs of TwiML as values. Attributes and defaults as in Twilio's TwiML reference; times are seconds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

KEYS = "0123456789*#"


class TwimlError(Exception):
    """A document that can't be carried out; `code` is Twilio's error code."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Say:
    """Speak `text`; `loop` times, 0 = 1000."""

    text: str
    voice: str = ""
    loop: int = 1


@dataclass(frozen=True, slots=True)
class Play:
    """Play the file at `url`, or keypad tones."""

    url: str = ""
    digits: str = ""
    loop: int = 1


@dataclass(frozen=True, slots=True)
class Pause:
    """Silence of `length` seconds."""

    length: int = 1


@dataclass(frozen=True, slots=True)
class Gather:
    """Collect keys while `prompts` play and `timeout` seconds after."""

    prompts: tuple[Say | Play | Pause, ...] = ()
    action: str = ""
    method: str = "POST"
    timeout: float = 5
    finish_on_key: str = "#"
    num_digits: int | None = None
    action_on_empty: bool = False


@dataclass(frozen=True, slots=True)
class Record:
    """Record the caller until `timeout` seconds of silence, `max_length` seconds or a key."""

    action: str = ""
    method: str = "POST"
    timeout: float = 5
    finish_on_key: str = KEYS
    max_length: float = 3600
    play_beep: bool = True
    trim: bool = False
    callback: str = ""
    callback_method: str = "POST"
    callback_events: tuple[str, ...] = ("completed",)


@dataclass(frozen=True, slots=True)
class Stream:
    """The noun of `<Connect>` and `<Start>`; `parameters` become ``customParameters``."""

    url: str
    name: str = ""
    track: str = "inbound_track"
    status_callback: str = ""
    status_callback_method: str = "POST"
    parameters: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Recording:
    """The noun of `<Start>`: record the call from now on."""

    channels: int = 2
    track: str = "both"
    trim: bool = False
    callback: str = ""
    callback_method: str = "POST"
    callback_events: tuple[str, ...] = ("completed",)


@dataclass(frozen=True, slots=True)
class Connect:
    """A bidirectional stream; what follows waits for its end."""

    stream: Stream
    action: str = ""
    method: str = "POST"


@dataclass(frozen=True, slots=True)
class Start:
    """Begin something that goes on beside the following verbs."""

    noun: Stream | Recording


@dataclass(frozen=True, slots=True)
class Stop:
    """End what `<Start>` began: the stream of this name (empty: the only one), or the recording."""

    what: Literal["stream", "recording"]
    name: str = ""


@dataclass(frozen=True, slots=True)
class Redirect:
    """Go on with another document."""

    url: str
    method: str = "POST"


@dataclass(frozen=True, slots=True)
class Reject:
    """Don't answer."""

    reason: str = "rejected"


@dataclass(frozen=True, slots=True)
class Hangup:
    """End the call."""


Verb = Say | Play | Pause | Gather | Record | Connect | Start | Stop | Redirect | Reject | Hangup
