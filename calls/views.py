"""Pages of a tenant's calls, and the audio behind them. Members only."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.formats import number_format
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from calls import home, selectors
from calls.audio import wav_response
from calls.call_page import call_page
from calls.export import calls_csv
from common.errors import NotFound
from common.htmx import page_or_partial
from tenants.access import TenantRequest, member_required
from tenants.models import PhoneNumber, Role

#: Who may write down what the receptionist knows (the pages of `knowledge` ask again).
TEACHERS = (Role.OWNER, Role.ADMIN, Role.SUPERVISOR)


def page_number(request: HttpRequest) -> int:
    """The page asked for; the first one for whatever is no number."""
    value = request.GET.get("page", "1")
    return int(value) if value.isascii() and value.isdigit() and len(value) < 7 else 1


@require_safe
@member_required()
def call_list(request: TenantRequest) -> HttpResponse:
    """Calls, searched, narrowed and sorted by what the address says."""
    filters = selectors.CallFilter.from_query(request.GET.dict())
    context = {
        "filters": filters,
        "page": selectors.call_rows(filters, page=page_number(request)),
        "outcomes": selectors.OUTCOMES,
        "tests": selectors.TESTS,
        "sorts": [(value, label) for value, _, label in selectors.SORTS],
        "export_limit": selectors.EXPORT_LIMIT,
        "may_call": request.role != Role.VIEWER,
    }
    return page_or_partial(request, "calls/call_list.html", "calls/partials/_call_list.html", context)


@require_safe
@never_cache
@member_required()
def call_export(request: TenantRequest) -> HttpResponse:
    """The same calls as a CSV file."""
    filters = selectors.CallFilter.from_query(request.GET.dict())
    region = request.tenant.locale.rpartition("-")[2].upper() or "US"
    text = calls_csv(selectors.find_calls(filters)[: selectors.EXPORT_LIMIT], region)
    name = f"calls-{timezone.localdate().isoformat()}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(text, content_type="text/csv; charset=utf-8", headers=headers)


@require_safe
@member_required()
def call_detail(request: TenantRequest, call_id: UUID) -> HttpResponse:
    """One call: what was said, what was done and why, what is kept, what it cost."""
    try:
        page = call_page(call_id)
    except NotFound as error:
        raise Http404(error.message) from None
    context = {"page": page, "call": page.call, "may_change": request.role != Role.VIEWER}
    return page_or_partial(request, "calls/call_detail.html", "calls/partials/_call.html", context)


@require_safe
@member_required()
def front_page(request: TenantRequest) -> HttpResponse:
    """Home: what needs somebody first, then what is going on."""
    tenant = request.tenant
    minutes = max(0, tenant.credit_balance) // max(1, settings.CREDITS_PER_MINUTE)
    context = {
        "home": home.home(),
        "tenant": tenant,
        "numbers": list(PhoneNumber.objects.filter(tenant=tenant.id).values_list("number", flat=True)),
        "credits_left": number_format(tenant.credit_balance, force_grouping=True),
        "minutes_left": f"about {number_format(minutes, force_grouping=True)} min",
        "may_change": request.role != Role.VIEWER,
        "may_answer": request.role in TEACHERS,
    }
    return page_or_partial(request, "calls/home.html", "calls/partials/_home.html", context)


@require_safe
@never_cache
@member_required()
def live_now(request: TenantRequest) -> HttpResponse:
    """The calls on the line, for a part of Home that keeps itself fresh."""
    return render(request, "calls/partials/_live_now.html", {"live": home.live_calls()})


@require_safe
@never_cache
@member_required()
def badges(request: TenantRequest) -> HttpResponse:
    """The figures in the frame of every page: calls on the line, new entries of the inbox, credits."""
    return render(request, "calls/partials/_badges.html")


@require_safe
@never_cache
@member_required()
def recording_audio(request: HttpRequest, recording_id: UUID) -> HttpResponse:
    """The WAV file of a recording, whole or the part a player asks for. Nothing may keep a copy."""
    try:
        recording = selectors.kept_recording(recording_id)
    except NotFound as error:
        raise Http404(error.message) from None
    return wav_response(request, recording)
