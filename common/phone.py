"""Telephone numbers in E.164 and as people write them."""

from __future__ import annotations

import phonenumbers

from common.errors import Invalid


def e164(text: str, region: str = "US") -> str:
    """`text` as ``+`` and digits. Raises `Invalid` when it can't be a telephone number."""
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        raise Invalid("this is not a telephone number") from None
    if not phonenumbers.is_possible_number(number):
        raise Invalid("this is not a telephone number")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def national(number: str, region: str = "US") -> str:
    """How people of `region` write it: national inside the region, international otherwise; odd input unchanged."""
    try:
        parsed = phonenumbers.parse(number, region)
    except phonenumbers.NumberParseException:
        return number
    home = phonenumbers.country_code_for_region(region) == parsed.country_code
    style = phonenumbers.PhoneNumberFormat.NATIONAL if home else phonenumbers.PhoneNumberFormat.INTERNATIONAL
    return phonenumbers.format_number(parsed, style)
