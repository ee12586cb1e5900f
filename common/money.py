"""Currencies: which one a business counts in, and how a price is written and spoken. English words; no network."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Currency:
    """`code` is ISO 4217; unit and part in one and many, as they are spoken."""

    code: str
    symbol: str
    unit: tuple[str, str]
    part: tuple[str, str]

    def spoken(self, amount: int) -> str:
        """`amount` in hundredths: ``9550`` as "95 dollars and 50 cents"."""
        whole, rest = divmod(amount, 100)
        parts = [f"{whole} {self.unit[whole != 1]}"] if whole or not rest else []
        if rest:
            parts.append(f"{rest} {self.part[rest != 1]}")
        return " and ".join(parts)


_DOLLARS, _CENTS = ("dollar", "dollars"), ("cent", "cents")
CURRENCIES = {
    currency.code: currency
    for currency in (
        Currency("USD", "$", _DOLLARS, _CENTS),
        Currency("CAD", "CA$", _DOLLARS, _CENTS),
        Currency("AUD", "A$", _DOLLARS, _CENTS),
        Currency("NZD", "NZ$", _DOLLARS, _CENTS),
        Currency("EUR", "€", ("euro", "euros"), _CENTS),
        Currency("GBP", "£", ("pound", "pounds"), ("penny", "pence")),
        Currency("INR", "₹", ("rupee", "rupees"), ("paisa", "paise")),
        Currency("CHF", "CHF\u00a0", ("franc", "francs"), ("centime", "centimes")),
    )
}
_EURO = ("IE", "DE", "AT", "FR", "ES", "IT", "PT", "NL", "BE", "LU", "FI")
_OTHERS = {"US": "USD", "CA": "CAD", "AU": "AUD", "NZ": "NZD", "GB": "GBP", "IN": "INR", "CH": "CHF"}
_BY_REGION = dict.fromkeys(_EURO, "EUR") | _OTHERS


def currency_of(locale: str) -> Currency:
    """What a business of this locale (as ``en-GB``) charges in; US dollars where the region is not known."""
    return CURRENCIES[_BY_REGION.get(locale.rpartition("-")[2].upper(), "USD")]
