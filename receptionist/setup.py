"""The set-up after sign-up: profession, hours and services, greeting, and the first call.

Each screen saves when it is left, may be skipped, and is where the owner comes back to (`Tenant.setup_step`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from calls import testcall
from receptionist import pages, prompts, selectors, services
from receptionist.forms import HoursForm, ServicesForm
from receptionist.models import OpenInterval
from receptionist.profile import template
from tenants import professions
from tenants.access import TenantRequest, member_required
from tenants.context import in_public
from tenants.models import PhoneNumber, Role, Tenant
from tenants.provisioning import apply_profile

STEPS = {
    "profession": "What you do",
    "hours": "Hours and services",
    "greeting": "Greeting",
    "call": "First call",
}


class ProfessionForm(forms.Form):
    """What the business does."""

    profession = forms.ChoiceField(label="Profession", choices=professions.choices, widget=forms.RadioSelect)


class GreetingForm(forms.Form):
    """The first words of every call."""

    greeting = forms.CharField(
        label="Greeting",
        max_length=600,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="Say the name of your business, and that an AI receptionist answers.",
    )


def _remember(tenant_id: int, step: str) -> None:
    in_public(lambda: Tenant.objects.filter(pk=tenant_id).update(setup_step=step))


def _after(step: str) -> str:
    names = list(STEPS)
    return names[names.index(step) + 1] if step != names[-1] else ""


@require_GET
@member_required(Role.OWNER, Role.ADMIN)
def resume(request: TenantRequest) -> HttpResponse:
    """The screen where the owner stopped; the first one for a business that was set up before."""
    kept = Tenant.objects.filter(pk=request.tenant.id).values_list("setup_step", flat=True).first()
    return redirect("setup", step=kept if kept in STEPS else "profession")


@never_cache
@require_http_methods(["GET", "POST"])
@member_required(Role.OWNER, Role.ADMIN)
def screen(request: TenantRequest, step: str) -> HttpResponse:
    """One screen. "Skip" keeps what is there and goes on."""
    if step not in STEPS:
        raise Http404
    context = _CONTEXTS[step](request)
    status = 200
    if request.method == "POST":
        if "skip" in request.POST or _SAVERS[step](request, context):
            _remember(request.tenant.id, _after(step))
            return redirect("setup", step=_after(step)) if _after(step) else redirect("home")
        status = 422
    names = list(STEPS)
    context |= {
        "step": step,
        "steps": [
            {"name": name, "label": label, "done": names.index(name) < names.index(step)}
            for name, label in STEPS.items()
        ],
        "before": names[names.index(step) - 1] if step != names[0] else "",
    }
    return render(request, f"receptionist/setup/{step}.html", context, status=status)


# -- profession --------------------------------------------------------------------------------------------------------


def _profession(request: TenantRequest) -> dict[str, Any]:
    return {"form": ProfessionForm(request.POST or None, initial={"profession": request.tenant.profession})}


def _save_profession(request: TenantRequest, context: dict[str, Any]) -> bool:
    form: ProfessionForm = context["form"]
    if not form.is_valid():
        return False
    key = form.cleaned_data["profession"]
    if key != request.tenant.profession:
        sections = template(key).model_dump(exclude={"name", "profession", "documents", "voice"})
        apply_profile(request.tenant.slug, {**sections, "name": request.tenant.name, "profession": key})
    return True


# -- hours and services ------------------------------------------------------------------------------------------------


def _hours(request: TenantRequest) -> dict[str, Any]:
    data = request.POST if request.method == "POST" else None
    weekly: dict[int, list[tuple[int, int]]] = {}
    for row in OpenInterval.objects.all():
        weekly.setdefault(row.weekday, []).append((row.opens, row.closes))
    return {
        "hours": HoursForm(data, weekly=weekly),
        "services": ServicesForm(data, initial=pages.service_rows(), prefix="services"),
        "zone": request.tenant.timezone.replace("_", " "),
    }


def _save_hours(request: TenantRequest, context: dict[str, Any]) -> bool:
    hours, rows = context["hours"], context["services"]
    if not (hours.is_valid() & rows.is_valid()):
        return False
    services.set_hours(hours.parsed())
    services.set_services(rows.parsed())
    return True


# -- greeting ----------------------------------------------------------------------------------------------------------


def _greeting(request: TenantRequest) -> dict[str, Any]:
    persona = selectors.persona(request.tenant)
    return {"form": GreetingForm(request.POST or None, initial={"greeting": persona.greeting})}


def _save_greeting(request: TenantRequest, context: dict[str, Any]) -> bool:
    form: GreetingForm = context["form"]
    if not form.is_valid():
        return False
    services.change_persona(greeting=form.cleaned_data["greeting"])
    return True


# -- the call ----------------------------------------------------------------------------------------------------------


def _call(request: TenantRequest) -> dict[str, Any]:
    persona = selectors.persona(request.tenant)
    return {
        "greeting": persona.greeting,
        "greeting_ready": persona.greeting in prompts.rendered(),
        "rings_everywhere": testcall.rings_everywhere(),
        "numbers": list(PhoneNumber.objects.filter(tenant_id=request.tenant.id).values_list("number", flat=True)),
    }


_CONTEXTS: dict[str, Callable[[TenantRequest], dict[str, Any]]] = {
    "profession": _profession,
    "hours": _hours,
    "greeting": _greeting,
    "call": _call,
}
_SAVERS: dict[str, Callable[[TenantRequest, dict[str, Any]], bool]] = {
    "profession": _save_profession,
    "hours": _save_hours,
    "greeting": _save_greeting,
    "call": lambda request, context: True,
}
