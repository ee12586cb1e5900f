"""The interface's vocabulary for templates; loaded everywhere (`OPTIONS["builtins"]`), shown at ``/styleguide``."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django import template
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.urls import Resolver404, resolve
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString

from common.money import CURRENCIES
from common.phone import national
from tenants.context import current_schema, require_tenant

register = template.Library()


@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    """An icon of the sprite. Without `label` it is decoration, and screen readers pass over it."""
    href = f"{static('icons.svg')}#{name}"
    if label:
        return format_html('<svg class="icon" role="img" aria-label="{}"><use href="{}"></use></svg>', label, href)
    return format_html('<svg class="icon" aria-hidden="true"><use href="{}"></use></svg>', href)


@dataclass(frozen=True, slots=True)
class Place:
    """One entry of the main navigation."""

    path: str
    label: str
    icon: str


PLACES = (
    Place("/", "Home", "house"),
    Place("/calls", "Calls", "phone"),
    Place("/inbox", "Inbox", "inbox"),
    Place("/receptionist", "Receptionist", "concierge-bell"),
    Place("/knowledge", "Knowledge", "book-open"),
    Place("/team", "Team", "users"),
    Place("/numbers", "Numbers", "hash"),
    Place("/analytics", "Analytics", "chart-line"),
    Place("/billing", "Billing", "credit-card"),
    Place("/settings", "Settings", "settings"),
)


def _served(path: str) -> str:
    """`path` as this host spells it, or nothing: a page that isn't there gets no link."""
    for spelling in dict.fromkeys((path, path.rstrip("/") + "/")):
        try:
            resolve(spelling)
        except Resolver404:
            continue
        return spelling
    return ""


@register.simple_tag
def served(path: str) -> str:
    """`path` when this host serves it, else nothing: ``{% served "/signup" as signup %}``."""
    return _served(path)


@register.simple_tag(takes_context=True)
def navigation(context: dict[str, Any]) -> SafeString:
    """The main navigation: the places this host serves, the current one marked."""
    request: HttpRequest | None = context.get("request")
    here = request.path.rstrip("/") if request else ""
    entries = []
    for place in PLACES:
        path = _served(place.path)
        if path:
            base = path.rstrip("/")
            current = here == base or bool(base and here.startswith(base + "/"))
            entry = {"path": path, "label": place.label, "icon": place.icon, "current": current}
            if place.path == "/inbox" and "desk" in context:
                entry["new"] = context["desk"].inbox_count
            entries.append(entry)
    return render_to_string("components/navigation.html", {"entries": entries})


@register.simple_tag(takes_context=True)
def url_with(context: dict[str, Any], **changes: Any) -> str:
    """This page's address with some query fields changed; an empty value drops the field, and paging starts anew."""
    query = context["request"].GET.copy()
    if "page" not in changes:
        query.pop("page", None)
    for name, value in changes.items():
        if value in (None, ""):
            query.pop(name, None)
        else:
            query[name] = str(value)
    return f"?{query.urlencode()}"


def _block(name: str, content: str, **context: Any) -> SafeString:
    return render_to_string(f"components/{name}.html", {"content": content, **context})


@register.simple_block_tag
def card(
    content: str,
    title: str = "",
    icon: str = "",
    action_url: str = "",
    action: str = "",
    kind: str = "",
    count: int = 0,
) -> SafeString:
    """A titled surface. `kind`: empty, ``flush`` (tables and lists touch the edge) or ``quiet`` (no frame).

    `count`, beside the title, is how much there is of what the card shows; nothing for none.
    """
    return _block("card", content, title=title, icon=icon, action_url=action_url, action=action, kind=kind, count=count)


@register.simple_block_tag
def dialog(content: str, id: str, title: str) -> SafeString:
    """A native dialog, opened by any button with ``data-open-dialog="<id>"``."""
    return _block("dialog", content, id=id, title=title)


@register.simple_block_tag
def scroll_table(content: str, label: str) -> SafeString:
    """A table that scrolls inside itself; `content` is thead and tbody, `label` names it for screen readers."""
    return _block("table", content, label=label)


@register.simple_block_tag
def notice(content: str, tone: str = "info", title: str = "") -> SafeString:
    """A message that stays on the page. `tone`: info, good, warn or bad."""
    icons = {"info": "info", "good": "circle-check", "warn": "triangle-alert", "bad": "circle-alert"}
    return _block("notice", content, tone=tone, title=title, icon=icons[tone])


@register.simple_block_tag(takes_context=True)
def list_toolbar(
    context: dict[str, Any],
    content: str,
    search: str = "",
    placeholder: str = "Search",
    target: str = "",
    label: str = "Filters",
) -> SafeString:
    """Search and filters above a list, as a GET form: the state lives in the address and works without scripts.

    `content` is filter fields; `target` the id of an element around the list, whose content the answer replaces.
    """
    # Without its query: a filter that changes begins anew on the first page.
    path = getattr(context.get("request"), "path", "")
    return _block(
        "list_toolbar", content, search=search, placeholder=placeholder, target=target, label=label, path=path
    )


@dataclass(frozen=True, slots=True)
class _TimeStyle:
    """How a country writes times, in the letters of Django's `date_format`."""

    clock: str = "H:i"
    clock_seconds: str = "H:i:s"
    day: str = "j M"
    day_year: str = "j M Y"
    full: str = "l j F Y"


_TIMES = _TimeStyle()
_TIMES_US = _TimeStyle("g:i A", "g:i:s A", "M j", "M j, Y", "l, F j, Y")
_TIMES_12H = _TimeStyle("g:i A", "g:i:s A")


def _region(context: dict[str, Any]) -> str:
    request = context.get("request")
    if request is not None:
        tenant = getattr(request, "tenant", None)
    else:  # inside {% include … only %}
        tenant = require_tenant() if current_schema() != "public" else None
    return str(getattr(tenant, "locale", "") or "en-US").rpartition("-")[2].upper()


@register.simple_tag(name="time", takes_context=True)
def time_element(context: dict[str, Any], value: dt.datetime | None) -> SafeString | str:
    """A moment in the tenant's zone, short to read, absolute on hover; nothing for `None`."""
    if value is None:
        return ""
    region = _region(context)
    style = _TIMES_US if region == "US" else _TIMES_12H if region in {"AU", "CA", "IN", "NZ", "PH"} else _TIMES
    local = timezone.localtime(value)
    days_ago = (timezone.localdate() - local.date()).days
    clock = date_format(local, style.clock)
    if days_ago == 0:
        shown = clock
    elif days_ago == 1:
        shown = f"Yesterday {clock}"
    elif local.year == timezone.localdate().year:
        shown = f"{date_format(local, style.day)}, {clock}"
    else:
        shown = date_format(local, style.day_year)
    absolute = f"{date_format(local, style.full)}, {date_format(local, style.clock_seconds)} {local.tzname()}"
    return format_html('<time datetime="{}" title="{}">{}</time>', value.isoformat(), absolute, shown)


@register.filter
def duration(seconds: float | None) -> str:
    """Seconds as ``0:07``, ``12:30`` or ``1:02:03``."""
    if seconds is None:
        return "–"
    whole = max(0, round(seconds))
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes}:{left:02}"


@register.filter
def clock(milliseconds: float | None) -> str:
    """Milliseconds since the start of a call as ``0:07``."""
    return duration(None if milliseconds is None else int(milliseconds) // 1000)


@dataclass(frozen=True, slots=True)
class SpokenWord:
    """A word and when it was heard, in milliseconds since the start of the recording."""

    text: str
    start_ms: int
    end_ms: int


@register.filter
def spoken_words(turn: Any) -> list[SpokenWord]:
    """The words of a turn (`text`, `start_ms`, `end_ms`), its time shared out by their length.

    Recognisers give times for turns, not for words; within one sentence the eye can't tell the difference.
    """
    read = turn.get if isinstance(turn, dict) else lambda name: getattr(turn, name)
    words = str(read("text")).split()
    start, end = int(read("start_ms") or 0), int(read("end_ms") or 0)
    letters = sum(len(word) + 1 for word in words)
    spoken, passed = [], 0
    for word in words:
        begins = start + (end - start) * passed // letters
        passed += len(word) + 1
        spoken.append(SpokenWord(word, begins, start + (end - start) * passed // letters))
    return spoken


@register.filter
def credits(value: float | Decimal | None) -> str:
    """Credits with grouping, as ``1,000``."""
    return "–" if value is None else number_format(value, decimal_pos=0, force_grouping=True)


@register.filter
def money(amount: float | Decimal | str | None, currency: str = "USD") -> str:
    """An amount in major units with its currency, as ``$12.50`` or ``CHF 12.50``."""
    if amount is None:
        return "–"
    value = Decimal(str(amount))
    figures = number_format(abs(value), decimal_pos=2, force_grouping=True)
    known = CURRENCIES.get(currency.upper())
    symbol = known.symbol if known else f"{currency.upper()}\u00a0"
    return f"{'−' if value < 0 else ''}{symbol}{figures}"


@register.simple_tag(takes_context=True)
def phone(context: dict[str, Any], number: str | None, name: str = "") -> SafeString:
    """A telephone number in the tenant's national format; E.164 on hover. An unknown caller is said in words."""
    if not number:
        unknown = format_html('<span class="muted">{}</span>', "Number withheld")
        return format_html('<span class="phone">{} {}</span>', name, unknown) if name else unknown
    shown = national(number, _region(context))
    if name:
        return format_html(
            '<span class="phone" title="{}">{} <span class="muted">{}</span></span>', number, name, shown
        )
    return format_html('<span class="phone" title="{}">{}</span>', number, shown)


@register.filter
def initials(name: str) -> str:
    """One or two letters for an avatar."""
    words = [word for word in str(name).partition("@")[0].replace(".", " ").split() if word[0].isalnum()]
    return "".join(word[0] for word in (words[:1] + words[-1:] if len(words) > 1 else words)).upper() or "?"
