"""Which tenant a request is for, and whose session it carries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template.loader import render_to_string
from django.utils import timezone

from common import logs
from tenants.context import UnknownTenant, enter_tenant, leave_tenant
from tenants.hosts import ROOT, resolve_host
from tenants.sessions import belongs_here

GetResponse = Callable[[HttpRequest], HttpResponseBase]


class TenantMiddleware:
    """Host → tenant for the whole request; an unknown host is 404, a suspended tenant 403.

    Under ASGI each request has a thread, and so a connection, of its own; it is given back on public in any case.
    """

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Enter the tenant, answer, leave."""
        leave_tenant()
        try:
            found = resolve_host(request.get_host())
        except UnknownTenant:
            return HttpResponse(render_to_string("404.html"), status=404)
        kept: Any = request
        if found == ROOT:
            kept.tenant = None
            kept.urlconf = settings.PUBLIC_SCHEMA_URLCONF
            return self.get_response(request)
        if found.info.status == "suspended":
            return HttpResponse(render_to_string("tenants/suspended.html"), status=403)
        kept.tenant = found.info
        enter_tenant(found)
        try:
            with logs.bind(tenant=found.schema_name), timezone.override(found.info.timezone):
                return self.get_response(request)
        finally:
            leave_tenant()


class BoundSessionMiddleware:
    """A session is good on the host it was opened on: a cookie carried to another host is nobody's."""

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Forget the user where the session belongs elsewhere."""
        if not belongs_here(request.session, getattr(request, "tenant", None)):
            request.user = AnonymousUser()
        return self.get_response(request)
