"""``IncomingPhoneNumbers`` and ``AvailablePhoneNumbers``."""

from __future__ import annotations

from itertools import count, islice
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web
from multidict import MultiMapping

from carrier.exchange import Exchange, checked_e164
from carrier.resources import Application, PhoneNumber, formatted
from carrier.rest.access import EXCHANGE
from carrier.rest.errors import bad_parameter, not_found
from carrier.rest.paging import page
from common.errors import Invalid

#: Form parameter to field; the rest of Twilio's parameters are accepted and change nothing.
_URLS = {
    "VoiceUrl": "voice_url",
    "VoiceFallbackUrl": "voice_fallback_url",
    "StatusCallback": "status_callback",
}
_METHODS = {
    "VoiceMethod": "voice_method",
    "VoiceFallbackMethod": "voice_fallback_method",
    "StatusCallbackMethod": "status_callback_method",
}
_FIRST_FREE = 2_000_000


def apply_urls(number: PhoneNumber | Application, form: MultiMapping[Any]) -> None:
    """Take over what a form says about addresses and name. Raises `RestError`."""
    for parameter, name in _URLS.items():
        if parameter in form:
            url = str(form[parameter])
            if url and (urlsplit(url).scheme not in {"http", "https"} or not urlsplit(url).netloc):
                raise bad_parameter(21502, f"{parameter} is not valid")
            setattr(number, name, url)
    for parameter, name in _METHODS.items():
        if parameter in form:
            method = str(form[parameter]).upper()
            if method not in {"GET", "POST"}:
                raise bad_parameter(21403, f"{parameter} is not valid")
            setattr(number, name, method)
    if "FriendlyName" in form:
        number.friendly_name = str(form["FriendlyName"])[:64]


def _free(exchange: Exchange, area: str, wanted: int) -> list[str]:
    """Numbers nobody has, in area code `area`."""
    candidates = (f"+1{area}{n:07d}" for n in count(_FIRST_FREE))
    return list(islice((number for number in candidates if exchange.store.number(number) is None), wanted))


def _area(text: str) -> str:
    if len(text) != 3 or not text.isdigit() or text[0] in "01":
        raise bad_parameter(21451, "AreaCode is not valid")
    return text


async def create(request: web.Request) -> web.Response:
    """Take a number: `PhoneNumber`, or any free one of `AreaCode`."""
    exchange = request.app[EXCHANGE]
    form = await request.post()
    wanted = str(form.get("PhoneNumber", ""))
    if wanted:
        try:
            checked_e164(wanted)
        except Invalid:
            raise bad_parameter(21421, "PhoneNumber is not valid") from None
        if exchange.store.number(wanted) is not None:
            raise bad_parameter(21422, "PhoneNumber is not available")
    elif form.get("AreaCode"):
        [wanted] = _free(exchange, _area(str(form["AreaCode"])), 1)
    else:
        raise bad_parameter(21402, "PhoneNumber or AreaCode is required")
    number = PhoneNumber(exchange.settings.account_sid, wanted)
    apply_urls(number, form)
    exchange.store.numbers.put(number)
    return web.json_response(number.to_json(), status=201)


async def index(request: web.Request) -> web.Response:
    """Our numbers."""
    shelf = request.app[EXCHANGE].store.numbers
    equal = {
        name: request.query[parameter]
        for parameter, name in {"PhoneNumber": "phone_number", "FriendlyName": "friendly_name"}.items()
        if request.query.get(parameter)
    }
    return page(
        request,
        "incoming_phone_numbers",
        lambda limit, offset: [n.to_json() for n in shelf.find(limit=limit, offset=offset, **equal)],
    )


def _number(request: web.Request) -> PhoneNumber:
    number = request.app[EXCHANGE].store.numbers.get(request.match_info["sid"])
    if number is None:
        raise not_found(request.path)
    return number


async def fetch(request: web.Request) -> web.Response:
    """One number."""
    return web.json_response(_number(request).to_json())


async def update(request: web.Request) -> web.Response:
    """Set what happens when it is called."""
    number = _number(request)
    apply_urls(number, await request.post())
    request.app[EXCHANGE].store.numbers.put(number)
    return web.json_response(number.to_json())


async def delete(request: web.Request) -> web.Response:
    """Give it back."""
    request.app[EXCHANGE].store.numbers.delete(_number(request).sid)
    return web.Response(status=204)


async def available(request: web.Request) -> web.Response:
    """Free local numbers; there are as many as one likes."""
    exchange = request.app[EXCHANGE]
    if request.match_info["country"] != "US":
        raise not_found(request.path)
    area = _area(request.query.get("AreaCode") or "555")

    def describe(number: str) -> dict[str, Any]:
        return {
            "friendly_name": formatted(number),
            "phone_number": number,
            "lata": None,
            "locality": None,
            "rate_center": None,
            "latitude": None,
            "longitude": None,
            "region": None,
            "postal_code": None,
            "iso_country": "US",
            "address_requirements": "none",
            "beta": False,
            "capabilities": {"voice": True, "sms": False, "mms": False, "fax": False},
        }

    return page(
        request,
        "available_phone_numbers",
        lambda limit, offset: [describe(number) for number in _free(exchange, area, limit + offset)[offset:]],
    )


def routes() -> list[web.RouteDef]:
    """Below ``/2010-04-01/Accounts/{account}``."""
    return [
        web.post("/IncomingPhoneNumbers.json", create),
        web.get("/IncomingPhoneNumbers.json", index),
        web.get("/IncomingPhoneNumbers/{sid}.json", fetch),
        web.post("/IncomingPhoneNumbers/{sid}.json", update),
        web.delete("/IncomingPhoneNumbers/{sid}.json", delete),
        web.get("/AvailablePhoneNumbers/{country}/Local.json", available),
    ]
