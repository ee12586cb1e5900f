"""The things Twilio's REST interface names: numbers, calls, recordings, and their JSON.

Shapes: Twilio's OpenAPI description ``twilio_api_v2010`` (2026-04-14). Times are seconds since the epoch.
"""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

API_VERSION = "2010-04-01"
#: A call in one of these states is over.
FINAL = frozenset({"completed", "busy", "failed", "no-answer", "canceled"})


def new_sid(prefix: str) -> str:
    """A fresh identifier in Twilio's form: two letters and 32 hexadecimal digits."""
    return prefix + uuid.uuid4().hex


def rfc2822(moment: float | None) -> str | None:
    """A time as Twilio's REST writes it."""
    return None if moment is None else format_datetime(datetime.fromtimestamp(moment, UTC))


def iso8601(moment: float) -> str:
    """A time as Media Streams' callbacks write it."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def formatted(number: str) -> str:
    """A number as Twilio shows it to people: ``(555) 200-0000`` for the North American plan."""
    if number.startswith("+1") and len(number) == 12:
        return f"({number[2:5]}) {number[5:8]}-{number[8:]}"
    return number


def account_path(account_sid: str, rest: str) -> str:
    """Path below the host of one of the account's resources."""
    return f"/{API_VERSION}/Accounts/{account_sid}/{rest}"


@dataclass(slots=True)
class PhoneNumber:
    """A number of ours and what happens when it is called."""

    account_sid: str
    phone_number: str
    friendly_name: str = ""
    voice_url: str = ""
    voice_method: str = "POST"
    voice_fallback_url: str = ""
    voice_fallback_method: str = "POST"
    status_callback: str = ""
    status_callback_method: str = "POST"
    sid: str = field(default_factory=lambda: new_sid("PN"))
    created: float = field(default_factory=time.time)
    updated: float = field(default_factory=time.time)

    def to_json(self) -> dict[str, Any]:
        """Twilio's IncomingPhoneNumber."""
        return {
            "sid": self.sid,
            "account_sid": self.account_sid,
            "friendly_name": self.friendly_name or formatted(self.phone_number),
            "phone_number": self.phone_number,
            "voice_url": self.voice_url,
            "voice_method": self.voice_method,
            "voice_fallback_url": self.voice_fallback_url,
            "voice_fallback_method": self.voice_fallback_method,
            "voice_caller_id_lookup": False,
            "voice_application_sid": None,
            "voice_receive_mode": "voice",
            "status_callback": self.status_callback,
            "status_callback_method": self.status_callback_method,
            "sms_url": "",
            "sms_method": "POST",
            "sms_fallback_url": "",
            "sms_fallback_method": "POST",
            "sms_application_sid": None,
            "address_requirements": "none",
            "address_sid": None,
            "api_version": API_VERSION,
            "beta": False,
            "bundle_sid": None,
            "capabilities": {"voice": True, "sms": False, "mms": False, "fax": False},
            "date_created": rfc2822(self.created),
            "date_updated": rfc2822(self.updated),
            "emergency_address_sid": None,
            "emergency_address_status": "unregistered",
            "emergency_status": "Inactive",
            "identity_sid": None,
            "origin": "twilio",
            "status": "in-use",
            "trunk_sid": None,
            "type": "local",
            "uri": account_path(self.account_sid, f"IncomingPhoneNumbers/{self.sid}.json"),
        }


@dataclass(slots=True)
class Application:
    """What happens when a browser calls: Twilio's TwiML application."""

    account_sid: str
    friendly_name: str = ""
    voice_url: str = ""
    voice_method: str = "POST"
    voice_fallback_url: str = ""
    voice_fallback_method: str = "POST"
    status_callback: str = ""
    status_callback_method: str = "POST"
    sid: str = field(default_factory=lambda: new_sid("AP"))
    created: float = field(default_factory=time.time)
    updated: float = field(default_factory=time.time)

    def to_json(self) -> dict[str, Any]:
        """Twilio's Application."""
        return {
            "sid": self.sid,
            "account_sid": self.account_sid,
            "friendly_name": self.friendly_name,
            "voice_url": self.voice_url,
            "voice_method": self.voice_method,
            "voice_fallback_url": self.voice_fallback_url,
            "voice_fallback_method": self.voice_fallback_method,
            "voice_caller_id_lookup": False,
            "status_callback": self.status_callback,
            "status_callback_method": self.status_callback_method,
            "sms_url": "",
            "sms_method": "POST",
            "sms_fallback_url": "",
            "sms_fallback_method": "POST",
            "sms_status_callback": "",
            "message_status_callback": "",
            "public_application_connect_enabled": False,
            "api_version": API_VERSION,
            "date_created": rfc2822(self.created),
            "date_updated": rfc2822(self.updated),
            "uri": account_path(self.account_sid, f"Applications/{self.sid}.json"),
        }


@dataclass(slots=True)
class CallRecord:
    """One party's connection as REST shows it. `caller` and `callee` are Twilio's From and To."""

    account_sid: str
    caller: str
    callee: str
    direction: str
    status: str = "queued"
    phone_number_sid: str | None = None
    parent_call_sid: str | None = None
    answered_at: float | None = None
    ended_at: float | None = None
    status_callback: str = ""
    status_callback_method: str = "POST"
    status_events: list[str] = field(default_factory=lambda: ["completed"])
    sid: str = field(default_factory=lambda: new_sid("CA"))
    created: float = field(default_factory=time.time)
    updated: float = field(default_factory=time.time)

    @property
    def duration(self) -> int | None:
        """Whole seconds from answer to end; None while the call lasts, 0 if it was never answered."""
        if self.ended_at is None:
            return None
        return 0 if self.answered_at is None else round(self.ended_at - self.answered_at)

    def to_json(self) -> dict[str, Any]:
        """Twilio's Call."""
        base = account_path(self.account_sid, f"Calls/{self.sid}")
        subresources = ("Events", "Notifications", "Payments", "Recordings", "Siprec", "Streams", "Transcriptions")
        duration = self.duration
        return {
            "sid": self.sid,
            "account_sid": self.account_sid,
            "parent_call_sid": self.parent_call_sid,
            "phone_number_sid": self.phone_number_sid,
            "from": self.caller,
            "from_formatted": formatted(self.caller),
            "to": self.callee,
            "to_formatted": formatted(self.callee),
            "status": self.status,
            "direction": self.direction,
            "start_time": rfc2822(self.answered_at),
            "end_time": rfc2822(self.ended_at),
            "duration": None if duration is None else str(duration),
            "price": None,
            "price_unit": "USD",
            "answered_by": None,
            "api_version": API_VERSION,
            "caller_name": None,
            "forwarded_from": None,
            "group_sid": None,
            "queue_time": "0",
            "trunk_sid": None,
            "date_created": rfc2822(self.created),
            "date_updated": rfc2822(self.updated),
            "uri": f"{base}.json",
            "subresource_uris": {name.lower(): f"{base}/{name}.json" for name in subresources},
        }


@dataclass(slots=True)
class RecordingRecord:
    """A recording as REST shows it. `seconds` is None until it is complete."""

    account_sid: str
    call_sid: str
    source: str
    channels: int
    track: str = "both"
    status: str = "in-progress"
    seconds: float | None = None
    sid: str = field(default_factory=lambda: new_sid("RE"))
    created: float = field(default_factory=time.time)
    updated: float = field(default_factory=time.time)

    @property
    def duration(self) -> str | None:
        """Whole seconds as text; Twilio never shows 0 for audio that exists."""
        return None if self.seconds is None else str(max(1, round(self.seconds)) if self.seconds else 0)

    def to_json(self, public_url: str, *, of_call: bool = False) -> dict[str, Any]:
        """Twilio's Recording, or its CallRecording, which shows the track and not where the audio lies."""
        base = account_path(self.account_sid, f"Recordings/{self.sid}")
        common = {
            "sid": self.sid,
            "account_sid": self.account_sid,
            "call_sid": self.call_sid,
            "conference_sid": None,
            "status": self.status,
            "source": self.source,
            "channels": self.channels,
            "duration": self.duration,
            "start_time": rfc2822(self.created),
            "price": None,
            "price_unit": "USD",
            "error_code": None,
            "encryption_details": None,
            "api_version": API_VERSION,
            "date_created": rfc2822(self.created),
            "date_updated": rfc2822(self.updated),
            "uri": f"{base}.json",
        }
        if of_call:
            uri = account_path(self.account_sid, f"Calls/{self.call_sid}/Recordings/{self.sid}.json")
            return common | {"track": self.track, "uri": uri}
        return common | {
            "media_url": f"{public_url}{base}",
            "subresource_uris": {
                "add_on_results": f"{base}/AddOnResults.json",
                "transcriptions": f"{base}/Transcriptions.json",
            },
        }
