"""The OpenAPI document completed, and the page that shows it."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from ninja import NinjaAPI
from ninja.operation import Operation

from common.rest import PROBLEM, Problem
from config.api_page import sections
from tenants.hosts import tenant_origin
from tenants.models import Membership, Role, TenantStatus
from tenants.rest import REPLAYED
from tenants.services.api_keys import SCOPES

_PROBLEM = {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}}
_EVERY = {
    "401": "No valid key",
    "403": "The key lacks the scope",
    "405": "This address does not take this method",
    "429": "Too many requests with this key; `Retry-After` says when to try again",
    "500": "A failure on our side",
    "503": "A part of the product can't be reached just now",
}
_RATE_HEADERS = {
    "RateLimit-Limit": "Requests this key may send in a minute",
    "RateLimit-Remaining": "Requests left in this minute",
    "RateLimit-Reset": "Seconds until the next minute begins",
}
_NAME_HEADER = {
    "in": "header",
    "name": "Idempotency-Key",
    "required": False,
    "schema": {"type": "string", "maxLength": 255, "pattern": "^[!-~]*$"},
    "description": (
        "A name of your own for this request, such as a UUID. Sent again within 24 hours it is not carried out twice: "
        f"the first answer is given again, with the header `{REPLAYED}: true`."
    ),
}


def describe(document: Any, api: NinjaAPI) -> Any:
    """Add to ninja's `document` what every operation has: errors, scope, rate headers, the name of a request."""
    document["components"].setdefault("schemas", {})["Problem"] = Problem.model_json_schema()
    operations = {op.operation_id or api.get_openapi_operation_id(op): op for op in _operations(api)}
    for path, methods in document["paths"].items():
        for details in methods.values():
            _complete(details, operations[details["operationId"]], path)
            details["operationId"] = details["operationId"].rpartition("api_")[2]
    return document


def _operations(api: NinjaAPI) -> list[Operation]:
    return [
        op for router in api._get_bound_routers() for view in router.path_operations.values() for op in view.operations
    ]


def _complete(details: dict[str, Any], operation: Operation, path: str) -> None:
    responses = {str(status): answer for status, answer in details["responses"].items()}
    for answer in responses.values():
        answer["headers"] = {
            name: {"description": text, "schema": {"type": "integer"}} for name, text in _RATE_HEADERS.items()
        }
    errors = dict(_EVERY)
    if details["parameters"] or "requestBody" in details:
        errors["422"] = "The input can't be used; `data.errors` says which part"
    if "requestBody" in details:
        errors |= {"400": "The body is not JSON", "413": "The body is too long"}
    if "{" in path:
        errors["404"] = "There is no such thing in this business"
    if getattr(operation.view_func, "conflicts", ""):
        errors["409"] = operation.view_func.conflicts  # type: ignore[attr-defined]
    for status, text in errors.items():
        responses.setdefault(status, {"description": text, "content": _PROBLEM})
    details["responses"] = dict(sorted(responses.items()))
    scope = operation.auth_callbacks[0].scope  # type: ignore[attr-defined]  # every operation has `auth=key(…)`
    details["security"] = [{"ApiKeyAuth": [scope] if scope else []}]
    if scope:
        details["x-scope"] = scope
    if getattr(operation.view_func, "answers_once", False):
        details["parameters"] = [*details["parameters"], _NAME_HEADER]


def docs_page(request: HttpRequest, document: Any) -> HttpResponse:
    """The document as a page of our own: no script, nothing from elsewhere."""
    context = {
        "document": document,
        "sections": sections(document),
        "scopes": SCOPES.items(),
        "base": f"{settings.PUBLIC_URL}/api/v1",
        "rate": settings.API_RATE_PER_MINUTE,
        "places": _places_for_keys(request),
    }
    return render(request, "api/docs.html", context)


def _places_for_keys(request: HttpRequest) -> list[tuple[str, str]]:
    """Where the person who reads makes keys: name and address of each business they manage."""
    if not request.user.is_authenticated:
        return []
    managed = Membership.objects.filter(
        user=request.user.pk, role__in=(Role.OWNER, Role.ADMIN), tenant__status=TenantStatus.ACTIVE
    ).select_related("tenant")
    return [
        (member.tenant.name, f"{tenant_origin(member.tenant.slug or '')}/settings/api")
        for member in managed.order_by("tenant__name")[:5]
    ]
