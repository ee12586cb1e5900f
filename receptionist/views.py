"""Pages of the receptionist: greeting and voice, hours, services, a question to try. Owners and admins change them."""

from __future__ import annotations

from typing import cast

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from common.audio import RATE, ulaw_decode, write_wav
from common.errors import ProviderError
from common.htmx import page_or_partial
from common.money import currency_of
from common.ranges import byte_range
from knowledge.confidence import THRESHOLD
from knowledge.selectors import MAX_QUESTION_CHARS
from receptionist import hours, pages, selectors, services, voices
from receptionist.abilities import abilities
from receptionist.forms import MAX_SERVICES, HolidayForm, HoursForm, PersonaForm, ServicesForm
from receptionist.models import SpecialDay
from receptionist.tools.answer_question import spoken_answer
from tenants.access import TenantRequest, member_required
from tenants.context import TenantInfo, require_tenant
from tenants.models import Role
from tenants.services import audit

EDITORS = (Role.OWNER, Role.ADMIN)


def _may_edit(request: HttpRequest) -> bool:
    return cast(TenantRequest, request).role in EDITORS


def _record(request: HttpRequest, action: str) -> None:
    asked = cast(TenantRequest, request)
    audit.record(f"receptionist.{action}", actor=asked.user.pk, tenant=asked.tenant.id)


def _editors_only(request: HttpRequest) -> None:
    """A page that everybody reads and only some change."""
    if request.method == "POST" and not _may_edit(request):
        raise PermissionDenied


@require_http_methods(["GET", "HEAD", "POST"])
@member_required()
def receptionist(request: HttpRequest) -> HttpResponse:
    """Greeting, goodbye, voice and what it keeps in mind; what it can do."""
    _editors_only(request)
    persona = selectors.persona(require_tenant())
    offered = voices.choices(persona.voice)
    initial = {
        "greeting": persona.greeting,
        "goodbye": persona.goodbye,
        "idle_prompts": "\n".join(persona.idle_prompts),
        "voice": persona.voice,
        "guidance": "\n".join(persona.guidance),
    }
    sent = request.POST if request.method == "POST" else None
    form = PersonaForm(sent, initial=initial, stored=initial, voices=offered)
    if sent is not None and form.is_valid():
        services.change_persona(**form.cleaned_data)
        _record(request, "persona_changed")
        messages.success(request, "Saved. The next caller hears it.")
        return redirect("receptionist:receptionist")
    context = {
        "form": form,
        "persona": persona,
        "voices": [
            {"voice": v, "path": v.name or voices.STANDARD, "checked": form["voice"].value() == v.name} for v in offered
        ],
        "rendering": pages.greeting(persona),
        "abilities": abilities(),
        "can_edit": _may_edit(request),
    }
    status = 422 if form.is_bound else 200
    if request.method == "POST":
        return render(request, "receptionist/receptionist.html", context, status=status)
    return page_or_partial(
        request, "receptionist/receptionist.html", "receptionist/partials/_greeting_audio.html", context
    )


@require_safe
@member_required()
def greeting_audio(request: HttpRequest, digest: str) -> HttpResponse:
    """The greeting as callers hear it; changed words have another address."""
    ulaw = pages.rendered_audio(digest)
    if ulaw is None:
        raise Http404("this is not rendered")
    return _wav(request, ulaw)


@require_safe
@member_required()
def voice_audio(request: HttpRequest, name: str) -> HttpResponse:
    """A sentence in one of the voices that can be chosen."""
    wanted = "" if name == voices.STANDARD else name
    if all(voice.name != wanted for voice in voices.choices(selectors.persona(require_tenant()).voice)):
        raise Http404("there is no such voice")
    try:
        return _wav(request, voices.sample(wanted))
    except ProviderError:
        return HttpResponse(
            "The voice can't be heard just now. Nothing was changed; try again in a minute.",
            status=503,
            content_type="text/plain; charset=utf-8",
        )


def _wav(request: HttpRequest, ulaw: bytes) -> HttpResponse:
    sound = write_wav(ulaw_decode(ulaw), RATE)
    headers = {"Accept-Ranges": "bytes", "Cache-Control": "private, max-age=3600"}
    try:
        part = byte_range(request.headers.get("Range", ""), len(sound))
    except ValueError:
        return HttpResponse(status=416, headers={**headers, "Content-Range": f"bytes */{len(sound)}"})
    start, end = part or (0, len(sound))
    if part:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{len(sound)}"
    return HttpResponse(sound[start:end], status=206 if part else 200, content_type="audio/wav", headers=headers)


@require_http_methods(["GET", "HEAD", "POST"])
@member_required()
def opening_hours(request: HttpRequest) -> HttpResponse:
    """The regular week and special days."""
    _editors_only(request)
    tenant = require_tenant()
    schedule = selectors.schedule(tenant)
    weekly = {day: list(intervals) for day, intervals in schedule.weekly.items()}
    form = HoursForm(request.POST if request.method == "POST" else None, weekly=weekly)
    if request.method == "POST" and form.is_valid():
        services.set_hours(form.parsed(monday_for_all="copy" in request.POST))
        _record(request, "hours_changed")
        messages.success(request, "Saved. The next caller hears these hours.")
        return redirect("receptionist:hours")
    return _hours_page(request, tenant, schedule, form, HolidayForm())


@require_POST
@member_required(*EDITORS)
def holiday_add(request: HttpRequest) -> HttpResponse:
    """Add a special day, or give one of the same date other hours."""
    tenant = require_tenant()
    form = HolidayForm(request.POST)
    if form.is_valid():
        services.set_holiday(form.parsed())
        _record(request, "holidays_changed")
        messages.success(request, "Saved. The next caller who asks about that day hears it.")
        return redirect("receptionist:hours")
    schedule = selectors.schedule(tenant)
    weekly = {day: list(intervals) for day, intervals in schedule.weekly.items()}
    return _hours_page(request, tenant, schedule, HoursForm(weekly=weekly), form)


@require_POST
@member_required(*EDITORS)
def holiday_remove(request: HttpRequest, day_id: int) -> HttpResponse:
    """A special day is an ordinary one again."""
    row = SpecialDay.objects.filter(pk=day_id).first() if day_id < 2**63 else None
    if row is None:
        raise Http404("there is no such day")
    row.delete()
    _record(request, "holidays_changed")
    messages.success(request, f"{row.name or 'The day'} follows the regular week again.")
    return redirect("receptionist:hours")


def _hours_page(
    request: HttpRequest, tenant: TenantInfo, schedule: hours.Schedule, form: HoursForm, holiday: HolidayForm
) -> HttpResponse:
    context = {
        "form": form,
        "holiday": holiday,
        "days": pages.special_days(schedule),
        "spoken": hours.spoken_week(schedule),
        "zone": tenant.timezone.replace("_", " "),
        "can_edit": _may_edit(request),
    }
    status = 422 if form.is_bound or holiday.is_bound else 200
    return render(request, "receptionist/hours.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@member_required()
def service_list(request: HttpRequest) -> HttpResponse:
    """Services with prices; the price list callers are answered from follows them."""
    _editors_only(request)
    kept = pages.service_rows()
    sent = request.POST if request.method == "POST" else None
    forms = ServicesForm(sent, initial=None if sent else kept, stored=kept, prefix="s")
    if sent is not None and forms.is_valid():
        services.set_services(forms.parsed())
        _record(request, "services_changed")
        messages.success(request, "Saved. Callers hear the new prices at once.")
        return redirect("receptionist:services")
    context = {
        "forms": forms,
        "count": len(kept),
        "most": MAX_SERVICES,
        "currency": currency_of(require_tenant().locale),
        "can_edit": _may_edit(request),
    }
    status = 200 if sent is None else 422
    return render(request, "receptionist/services.html", context, status=status)


@require_safe
@member_required()
def try_question(request: HttpRequest) -> HttpResponse:
    """What a caller who asks this would hear, from where, and how sure the receptionist is. Nothing is kept."""
    question = request.GET.get("question", "").replace("\0", "").strip()[:MAX_QUESTION_CHARS]
    said, answer = spoken_answer(question) if question else ("", None)
    context = {"question": question, "said": said, "answer": answer, "threshold": round(THRESHOLD * 100)}
    if answer is not None:
        context["percent"] = min(99, round(answer.confidence * 100))  # nobody is ever quite sure
    return page_or_partial(request, "receptionist/try.html", "receptionist/partials/_answer.html", context)
