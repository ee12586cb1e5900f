"""Currencies of businesses."""

from __future__ import annotations

import pytest

from common.money import CURRENCIES, currency_of


@pytest.mark.parametrize(
    ("locale", "amount", "spoken"),
    [
        ("en-US", 9550, "95 dollars and 50 cents"),
        ("en-US", 101, "1 dollar and 1 cent"),
        ("en-GB", 1, "1 penny"),
        ("en-GB", 2099, "20 pounds and 99 pence"),
        ("de-AT", 5000, "50 euros"),
        ("de-CH", 0, "0 francs"),
        ("en-IN", 100, "1 rupee"),
        ("xx", 200, "2 dollars"),
    ],
)
def test_a_price_is_spoken_in_the_currency_of_the_country(locale: str, amount: int, spoken: str) -> None:
    assert currency_of(locale).spoken(amount) == spoken


def test_every_country_of_the_settings_has_a_currency() -> None:
    from tenants.panel.forms import LOCALES

    assert {currency_of(code).code for code, _ in LOCALES} == set(CURRENCIES)
