"""An operation runs inside the tenant of its key; one that creates something may be named, and then happens once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any, TypeVar, cast

from django.db import transaction
from django.http import HttpResponse
from ninja import Schema
from ninja.responses import NinjaJSONEncoder, Status

from common import logs
from common.clock import now
from common.errors import Invalid
from tenants import keys
from tenants.context import in_tenant
from tenants.models import KeptAnswer
from tenants.rest.auth import ApiRequest

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
MAX_NAME = 255
KEPT_FOR = timedelta(hours=24)

FnT = TypeVar("FnT", bound=Callable[..., Any])


def once(operation: FnT) -> FnT:
    """Mark an operation that creates something: with an ``Idempotency-Key`` it is carried out once."""
    operation.answers_once = True  # type: ignore[attr-defined]
    return operation


def inside_tenant(operation: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap an operation, so that it runs in the schema of the request's key, as one unit of work."""

    @wraps(operation)
    def run(request: ApiRequest, **values: Any) -> Any:
        caller = request.auth
        name = request.headers.get(HEADER, "") if getattr(operation, "answers_once", False) else ""
        with logs.bind(tenant=caller.schema):
            if name:
                return in_tenant(caller.schema, _named, request, name, operation, values)
            return in_tenant(caller.schema, operation, request, **values)

    return run


@transaction.atomic
def _named(request: ApiRequest, name: str, operation: Callable[..., Any], values: dict[str, Any]) -> HttpResponse:
    """Carry `operation` out and keep its answer in the same transaction, or give the answer that was kept.

    The unique row is where two copies of a request meet: the later one waits for the earlier one's end. A request that
    failed leaves nothing behind and may be sent again.
    """
    if len(name) > MAX_NAME:
        raise Invalid(f"{HEADER} has {MAX_NAME} characters at most", field=HEADER)
    asked = _digest(f"{request.method} {request.get_full_path()}\n".encode() + request.body)
    row, new = KeptAnswer.objects.get_or_create(
        key_id=request.auth.key_id, name=_digest(name.encode()), defaults={"request": asked}
    )
    if row.request != asked:
        raise Invalid(f"this {HEADER} was used for another request; take a new one", field=HEADER)
    purpose = f"api answer {row.pk}"
    if new:
        result = cast("Status[Schema]", operation(request, **values))
        row.status, body = result.status_code, json.dumps(result.value.model_dump(), cls=NinjaJSONEncoder).encode()
        row.body = keys.seal(body, purpose)
        row.save(update_fields=["status", "body"])
    else:
        body = keys.unseal(bytes(row.body), purpose)
    headers = {} if new else {REPLAYED: "true"}
    return HttpResponse(body, status=row.status, content_type="application/json; charset=utf-8", headers=headers)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def forget_old_answers() -> None:
    """Drop answers that nobody will ask for again."""
    KeptAnswer.objects.filter(created_at__lt=now() - KEPT_FOR).delete()
