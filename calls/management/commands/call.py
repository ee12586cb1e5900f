"""`manage.py call`: ring a number through the built-in carrier, speak recorded turns, print what is on record."""

from __future__ import annotations

import base64
import json
import os
import time
from argparse import ArgumentParser
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import httpx
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, InterfaceError, OperationalError, connection

from calls import journal
from calls.models import Call, DecisionKind, FollowUp, Recording
from common import ai
from common.audio import read_wav, ulaw_decode, write_wav
from common.errors import Invalid, ProviderError
from common.phone import e164
from tenants.context import TenantInfo, in_tenant
from tenants.numbers import tenant_for_number

DEFAULT_CALLER = "+14155550199"
#: How long the books may take to close after the line did, in seconds.
SETTLE_S = 15.0
_POLL_S = 30.0

Answer = TypeVar("Answer")


class Command(BaseCommand):
    """Place a call and wait for its end."""

    help = "Call a number through the built-in carrier and print the call's record as JSON."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Turns are spoken in the order of `--wav` and `--say`."""
        parser.add_argument("--to", required=True, help="number to call")
        parser.add_argument("--from", dest="caller", default=DEFAULT_CALLER, help="number the caller rings from")
        for name, text in (("wav", "WAV file the caller speaks"), ("say", "text the caller speaks, synthesised")):
            parser.add_argument(f"--{name}", dest="turns", action="append", type=partial(_turn, name), help=text)
        parser.add_argument("--out", type=Path, help="where to write both sides as a stereo WAV file")
        parser.add_argument("--max-seconds", type=int, default=180, help="hang up after this long")

    def handle(self, *args: Any, **options: Any) -> None:
        """Call, wait, print. Raises `CommandError` with a plain sentence for whatever is in the way."""
        to, caller = _number(options["to"]), _number(options["caller"])
        if options["out"]:
            _check_writable(options["out"])
        turns = [{"wav": _spoken(kind, value)} for kind, value in options["turns"] or []]
        tenant = _tenant(to)
        with _line() as line:
            sid = _place(line, {"from": caller, "to": to, "turns": turns, "max_seconds": options["max_seconds"]})
            heard = _wait(line, sid, options["max_seconds"] + 60)
        failure = _keep(options["out"], heard["wav"]) if options["out"] else ""
        self.stdout.write(json.dumps(_record(tenant, sid), indent=2, ensure_ascii=False))
        if failure:
            raise CommandError(failure)


def _turn(kind: str, value: str) -> tuple[str, str]:
    return kind, value


def _number(text: str) -> str:
    try:
        return e164(text)
    except Invalid as error:
        raise CommandError(f"{text}: {error.message}") from None


def _check_writable(path: Path) -> None:
    """Before a call whose sound would be lost; the file itself is made when there is something to write."""
    if not path.parent.is_dir():
        raise CommandError(f"{path} can't be written: there is no folder {path.parent}")
    if path.is_dir():
        raise CommandError(f"{path} can't be written: it is a folder")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise CommandError(f"{path} can't be written: permission denied")


def _keep(path: Path, wav: str) -> str:
    """Write the sound; what went wrong is returned, for the record of the call is printed all the same."""
    try:
        path.write_bytes(base64.b64decode(wav))
    except OSError as error:
        return f"{path} can't be written: {error.strerror}"
    return ""


def _spoken(kind: str, value: str) -> str:
    """One turn as base64 of a WAV file."""
    try:
        if kind == "say":
            return base64.b64encode(write_wav(ulaw_decode(ai.speech(value)))).decode()
        data = Path(value).read_bytes()
        if read_wav(data).samples.size == 0:
            raise Invalid("the file holds no sound")
        return base64.b64encode(data).decode()
    except OSError as error:
        raise CommandError(f"{value} can't be read: {error.strerror}") from None
    except Invalid as error:
        raise CommandError(f"{value}: {error.message}") from None
    except ProviderError as error:
        raise CommandError(f"the text could not be spoken ({error}); is `make up` running?") from None


def _tenant(number: str) -> TenantInfo:
    try:
        tenant = tenant_for_number(number)
    except DatabaseError:
        raise CommandError("the database can't be reached; is `make up` running?") from None
    if tenant is None:
        raise CommandError(f"{number} belongs to no business here")
    return tenant


def _line() -> httpx.Client:
    auth = (settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKEN)
    return httpx.Client(base_url=settings.CARRIER_URL, auth=auth, timeout=_POLL_S + 15)


def _ask(line: httpx.Client, method: str, path: str, **extra: Any) -> dict[str, Any]:
    try:
        answer = line.request(method, path, **extra)
    except httpx.HTTPError:
        raise CommandError("the built-in carrier can't be reached; is `make up` running, with its carrier?") from None
    if answer.status_code == httpx.codes.NOT_FOUND:
        raise CommandError("the built-in carrier does not know this number or call")
    if answer.is_error:
        raise CommandError(f"the built-in carrier refused the call ({answer.status_code})")
    found: dict[str, Any] = answer.json()
    return found


def _place(line: httpx.Client, request: dict[str, Any]) -> str:
    return str(_ask(line, "POST", "/phones/calls", json=request)["call_sid"])


def _wait(line: httpx.Client, sid: str, seconds: float) -> dict[str, Any]:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        state = _ask(line, "GET", f"/phones/calls/{sid}", params={"wait": _POLL_S})
        if "wav" in state:
            return state
    raise CommandError("the call did not end")


def _record(tenant: TenantInfo, sid: str) -> dict[str, Any]:
    """The call's record once its books are closed, or as it stands after `SETTLE_S`."""
    deadline = time.monotonic() + SETTLE_S
    while not _asked(tenant, _closed, sid, deadline) and time.monotonic() < deadline:
        time.sleep(0.2)
    return _asked(tenant, _report, sid, deadline)


def _asked(tenant: TenantInfo, question: Callable[[str], Answer], sid: str, deadline: float) -> Answer:
    """What the database says; one that was restarted under the call is asked again."""
    while True:
        try:
            return in_tenant(tenant.schema, question, sid)
        except (OperationalError, InterfaceError):
            connection.close()
            if time.monotonic() > deadline:
                raise CommandError("the database can't be reached; is `make up` running?") from None
            time.sleep(0.5)


def _report(sid: str) -> dict[str, Any]:
    if not Call.objects.filter(sid=sid).exists():
        raise CommandError("the call is not on record: the carrier's webhook did not arrive")
    return journal.report(sid)


def _closed(sid: str) -> bool:
    """Whether the call has ended, is paid for, and what was recorded of it is here."""
    call = Call.objects.filter(sid=sid).first()
    if call is None or call.running:
        return False
    waiting = FollowUp.objects.filter(call=call, state=FollowUp.State.WAITING)
    if waiting.filter(kind__in=("settle", "fetch_recording")).exists():
        return False
    if call.decision == DecisionKind.REJECT:
        return True
    expected = {Recording.Kind.CALL} if call.decision == DecisionKind.ANSWER else set()
    if call.decision == DecisionKind.VOICEMAIL or (call.next_step or {}).get("do") == "voicemail":
        expected.add(Recording.Kind.VOICEMAIL)
    return expected <= set(call.recordings.values_list("kind", flat=True))
