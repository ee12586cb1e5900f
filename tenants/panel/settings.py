"""Settings of the business: its profile, the member's own security, keys of programs."""

from __future__ import annotations

from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from common.clock import now
from common.errors import NotFound
from common.htmx import go_to
from tenants.access import TenantRequest, member_required
from tenants.models import ApiKey, Membership, Role, Tenant
from tenants.panel.forms import ApiKeyForm, BusinessProfileForm
from tenants.services import audit
from tenants.services.api_keys import SCOPES, issue_api_key
from tenants.services.business import change_business

MANAGERS = (Role.OWNER, Role.ADMIN)
_TABS = (("settings", "Business"), ("security", "Security"), ("api_keys", "API keys"))


def _tabs(request: TenantRequest, current: str) -> list[dict[str, Any]]:
    return [
        {"label": label, "url": reverse(name), "current": name == current}
        for name, label in _TABS
        if name != "api_keys" or request.role in MANAGERS
    ]


@never_cache
@require_http_methods(["GET", "POST"])
@member_required()
def business(request: TenantRequest) -> HttpResponse:
    """Name, time zone and country; owners and admins change them."""
    manages = request.role in MANAGERS
    if request.method == "POST" and not manages:
        raise PermissionDenied
    row = Tenant.objects.get(pk=request.tenant.id)
    initial = {"name": row.name, "timezone": row.timezone, "locale": row.locale}
    form = BusinessProfileForm(request.POST if request.method == "POST" else None, initial=initial, stored=initial)
    if not manages:
        for field in form.fields.values():
            field.disabled = True
    if request.method == "POST" and form.is_valid():
        change_business(row.pk, actor=request.user.pk, **form.cleaned_data)
        messages.success(request, "Saved.")
        return go_to(request, "settings")
    context = {"form": form, "manages": manages, "tabs": _tabs(request, "settings"), "slug": row.slug}
    return render(request, "tenants/settings.html", context, status=422 if form.errors else 200)


@never_cache
@require_GET
@member_required()
def security(request: TenantRequest) -> HttpResponse:
    """How the member signs in, and which members have a second factor; changes are made in the account itself."""
    factor = Authenticator.objects.filter(type=Authenticator.Type.TOTP)
    people = Membership.objects.filter(tenant_id=request.tenant.id)
    context = {
        "tabs": _tabs(request, "security"),
        "account_url": f"{settings.PUBLIC_URL}/account",
        "unverified": EmailAddress.objects.filter(user=request.user, email=request.user.email, verified=False).exists(),
        "second_factor": factor.filter(user=request.user).exists(),
        "people": people.count(),
        "protected": people.filter(user__in=factor.values("user")).count(),
    }
    return render(request, "tenants/security.html", context)


def _keys_page(request: TenantRequest, form: ApiKeyForm, status: int = 200, made: str = "") -> HttpResponse:
    rows = ApiKey.objects.filter(tenant_id=request.tenant.id).order_by("revoked_at", "-created_at", "-pk")
    context = {
        "tabs": _tabs(request, "api_keys"),
        "keys": rows,
        "scopes": SCOPES,
        "form": form,
        "manages": request.role in MANAGERS,
        "made": made,
        "api_url": f"{settings.PUBLIC_URL}/api/v1",
    }
    return render(request, "tenants/api_keys.html", context, status=status)


@never_cache
@require_http_methods(["GET", "POST"])
@member_required(*MANAGERS)
def api_keys(request: TenantRequest) -> HttpResponse:
    """Keys of programs; a new one is shown in the answer to its making, and never again."""
    if request.method == "GET":
        return _keys_page(request, ApiKeyForm(initial={"scopes": list(SCOPES)}))
    form = ApiKeyForm(request.POST)
    if not form.is_valid():
        return _keys_page(request, form, status=422)
    tenant = Tenant.objects.get(pk=request.tenant.id)
    key = issue_api_key(tenant, form.cleaned_data["name"], form.cleaned_data["scopes"])
    audit.record("api_key.created", actor=request.user.pk, tenant=tenant.pk, target=key[:9])
    return _keys_page(request, ApiKeyForm(initial={"scopes": list(SCOPES)}), made=key)


@never_cache
@require_http_methods(["GET", "POST"])
@member_required(*MANAGERS)
def revoke_api_key(request: TenantRequest, key_id: int) -> HttpResponse:
    """What would stop; then the key no longer works."""
    rows = ApiKey.objects.filter(pk=key_id, tenant_id=request.tenant.id, revoked_at=None)
    if request.method == "GET":
        row = rows.first()
        if row is None:
            raise NotFound("There is no such key any more.")
        return render(request, "tenants/api_key_revoke.html", {"key": row})
    if not rows.update(revoked_at=now()):
        raise NotFound("There is no such key any more.")
    audit.record("api_key.revoked", actor=request.user.pk, tenant=request.tenant.id, target=f"key {key_id}")
    messages.success(request, "The key no longer works.")
    return go_to(request, "api_keys")
