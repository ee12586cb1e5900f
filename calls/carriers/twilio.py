"""Twilio's REST interface, or any server that speaks it (`TWILIO_API_BASE_URL`: the built-in carrier).

Sources: twilio_api_v2010 (OpenAPI) for paths and fields, protocols.md section 2 for pointing the SDK at another host.
`twilio.rest` is imported when it is first used: it loads hundreds of modules, and the webhooks need none of them. What
somebody waits for (a new number, a call from the browser) is asked without it, since loading it takes a second.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from django.conf import settings

from calls import twiml
from common.asking import ask
from common.errors import Category, Invalid, ProviderError, category_of_status
from common.metrics import PROVIDER_ERRORS

if TYPE_CHECKING:
    from twilio.rest import Client

PROVIDER = "carrier"
TWILIO_API = "https://api.twilio.com"
TIMEOUT_S = 10.0
#: The longest recording that is taken: an hour in stereo at 8 kHz and 16 bits, and some more.
MEDIA_LIMIT = 128 * 1024 * 1024
#: Twilio error 21220: the call is not in a state that allows this, because it has ended.
_NOT_IN_PROGRESS = 21220
_NUMBER_SID = re.compile(r"PN[0-9a-fA-F]{32}")
_RECORDING_PATH = re.compile(r"/2010-04-01/Accounts/[A-Za-z0-9]+/Recordings/[A-Za-z0-9]+")


@dataclass(frozen=True, slots=True)
class CarrierCall:
    """A call as the carrier sees it; `seconds` is None while it lasts."""

    status: str
    seconds: int | None


def base_url() -> str:
    """Scheme and host of the REST interface."""
    return str(settings.TWILIO_API_BASE_URL or TWILIO_API).rstrip("/")


@lru_cache(maxsize=4)
def _client(base: str, account: str, token: str) -> Client:
    from twilio.http.http_client import TwilioHttpClient
    from twilio.http.response import Response
    from twilio.rest import Client

    class BaseUrlClient(TwilioHttpClient):  # type: ignore[misc]  # requests has no types
        """Sends every request to `base`: the SDK has no option for it."""

        def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Response:
            scheme, host = urlsplit(base)[:2]
            return super().request(method, urlunsplit((scheme, host, *urlsplit(url)[2:])), *args, **kwargs)

    return Client(account, token, http_client=BaseUrlClient(timeout=TIMEOUT_S))


def client() -> Client:
    """The SDK's client for the platform's account. Raises `ProviderError` when no account is configured."""
    return _client(base_url(), *_account())


def _account() -> tuple[str, str]:
    """User and password of the platform's account. Raises `ProviderError` when none is configured."""
    if not settings.TWILIO_ACCOUNT_SID or not settings.TWILIO_AUTH_TOKEN:
        raise ProviderError(PROVIDER, "authentication")
    return settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKEN


def category_of(error: Exception) -> Category:
    """What kind of failure an exception of the SDK, of requests or of httpx is."""
    import httpx
    import requests
    from twilio.base.exceptions import TwilioRestException, TwilioServiceException

    if isinstance(error, TwilioRestException | TwilioServiceException):
        return category_of_status(int(error.status))
    if isinstance(error, requests.Timeout | httpx.TimeoutException):
        return "timeout"
    if isinstance(error, requests.ConnectionError | httpx.TransportError):
        return "connectivity"
    return "unknown"


@contextmanager
def _counted() -> Iterator[None]:
    """Counts the `ProviderError`s below."""
    try:
        yield
    except ProviderError as error:
        PROVIDER_ERRORS.labels(provider=PROVIDER, category=error.category).inc()
        raise


@contextmanager
def _translated() -> Iterator[None]:
    """Every failure below becomes a `ProviderError`; its text never holds what the carrier said."""
    import httpx
    import requests
    from twilio.base.exceptions import TwilioException

    with _counted():
        try:
            yield
        except (TwilioException, requests.RequestException, httpx.HTTPError) as error:
            raise ProviderError(PROVIDER, category_of(error)) from None


def _ask(path: str, data: dict[str, str] | None = None) -> bytes:
    """A request to our account without the SDK. Raises `ProviderError`."""
    account = _account()
    url = f"{base_url()}/2010-04-01/Accounts/{account[0]}/{path}"
    with _counted():
        ours = bool(settings.TWILIO_API_BASE_URL)
        return ask(url, provider=PROVIDER, timeout=TIMEOUT_S, data=data, auth=account, neighbour=ours)


def _voice_hooks(path: str) -> dict[str, str]:
    """Where calls lead: `path`, what to ask where that fails, and whom to tell how they end."""
    return {
        "VoiceUrl": twiml.public(path),
        "VoiceMethod": "POST",
        "VoiceFallbackUrl": twiml.public(twiml.FALLBACK_PATH),
        "VoiceFallbackMethod": "POST",
        "StatusCallback": twiml.public(twiml.STATUS_PATH),
        "StatusCallbackMethod": "POST",
    }


def set_up_number(number: str) -> None:
    """Point `number` at our webhooks, buying it where the account does not have it yet. Raises `ProviderError`."""
    hooks = {
        **_voice_hooks(twiml.VOICE_PATH),
        "SmsUrl": twiml.public(twiml.MESSAGES_PATH),
        "SmsMethod": "POST",
    }
    if sid := _sid_of(number):
        _ask(f"IncomingPhoneNumbers/{sid}.json", hooks)
    else:
        _ask("IncomingPhoneNumbers.json", {"PhoneNumber": number, **hooks})


def _sid_of(number: str) -> str | None:
    """The account's own name for `number`, None when it does not have it. Raises `ProviderError`."""
    page = _ask("IncomingPhoneNumbers.json?" + urlencode({"PhoneNumber": number, "PageSize": 1}))
    try:
        sids = [str(row["sid"]) for row in json.loads(page)["incoming_phone_numbers"]]
    except (ValueError, KeyError, TypeError):
        sids = ["unreadable"]
    if not all(_NUMBER_SID.fullmatch(sid) for sid in sids):
        raise ProviderError(PROVIDER, "unknown")
    return sids[0] if sids else None


def set_up_application() -> None:
    """Point the application that browsers call at our webhooks. Raises `ProviderError`."""
    _ask(f"Applications/{settings.TWILIO_TWIML_APP_SID}.json", _voice_hooks(twiml.CLIENT_PATH))


def hang_up(call_sid: str) -> None:
    """End a call; one that has ended already counts as done. Raises `ProviderError`."""
    from twilio.base.exceptions import TwilioRestException

    with _translated():
        try:
            client().calls(call_sid).update(status="completed")
        except TwilioRestException as error:
            if error.status != 404 and error.code != _NOT_IN_PROGRESS:
                raise


def delete_recording(recording_sid: str) -> None:
    """Erase a recording at the carrier; one that is gone already counts as done. Raises `ProviderError`."""
    from twilio.base.exceptions import TwilioRestException

    with _translated():
        try:
            client().recordings(recording_sid).delete()
        except TwilioRestException as error:
            if error.status != 404:
                raise


def fetch_call(call_sid: str) -> CarrierCall | None:
    """The carrier's view of a call, None when it does not know it. Raises `ProviderError`."""
    from twilio.base.exceptions import TwilioRestException

    with _translated():
        try:
            found = client().calls(call_sid).fetch()
        except TwilioRestException as error:
            if error.status == 404:
                return None
            raise
    duration = str(found.duration or "")
    return CarrierCall(str(found.status), int(duration) if duration.isdigit() else None)


def media_url(recording_url: str) -> str:
    """Address of a recording's WAV file: the path the callback named, always on the configured carrier's host.

    The host in a callback is never asked, so that a callback can't make us read other servers. Raises `Invalid`.
    """
    path = urlsplit(recording_url).path.removesuffix(".wav").removesuffix(".json")
    if not _RECORDING_PATH.fullmatch(path):
        raise Invalid("this is not the address of a recording")
    return f"{base_url()}{path}.wav"


def recording_media(recording_url: str) -> Iterator[bytes]:
    """The WAV file of a recording, piece by piece. Raises `ProviderError`; `Invalid` for an odd address or size."""
    import httpx

    url, taken, account = media_url(recording_url), 0, _account()
    with _translated(), httpx.stream("GET", url, auth=account, timeout=TIMEOUT_S, follow_redirects=False) as answer:
        if answer.status_code != httpx.codes.OK:
            raise ProviderError(PROVIDER, category_of_status(answer.status_code))
        for chunk in answer.iter_bytes():
            taken += len(chunk)
            if taken > MEDIA_LIMIT:
                raise Invalid("this recording is too long to keep")
            yield chunk
