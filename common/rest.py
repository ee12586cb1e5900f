"""What every room's part of the REST API shares: one shape of errors, careful texts, pages behind a cursor.

Errors follow RFC 9457 in spirit: media type ``application/problem+json``, but with the fields of `common.errors`:
``code`` (stable, for programs), ``message`` (for people) and ``data`` (named details).
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

from django.core.exceptions import ValidationError
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Model, Q, QuerySet
from django.http import HttpResponse
from ninja import Schema
from pydantic import AfterValidator, AwareDatetime, ConfigDict, Field

from common.errors import Invalid

PROBLEM = "application/problem+json"
#: Ids of rows that are counted; PostgreSQL's bigint.
MAX_ID = 2**63 - 1

ModelT = TypeVar("ModelT", bound=Model)


class Problem(Schema):
    """Why a request was not carried out. Nothing was changed."""

    code: str = Field(description="Stable name of the error, for programs", examples=["not_found"])
    message: str = Field(description="What happened, for people", examples=["there is no such call"])
    data: dict[str, Any] = Field(description="Named details; empty where there are none")


def problem(
    status: int,
    code: str,
    message: str,
    data: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> HttpResponse:
    """The answer for an error."""
    body = json.dumps({"code": code, "message": message, "data": dict(data or {})}, cls=DjangoJSONEncoder)
    return HttpResponse(body, status=status, content_type=PROBLEM, headers=dict(headers or {}))


def _storable(text: str) -> str:
    if "\x00" in text:
        raise ValueError("the text holds a character that can't be kept (NUL)")
    return text


#: A string that PostgreSQL can keep.
Text = Annotated[str, AfterValidator(_storable)]


def _in_utc(moment: datetime) -> datetime:
    # PostgreSQL knows no displacement of 17 hours, and years at the edges overflow.
    if not 1970 <= moment.year <= 9000:
        raise ValueError("there were no calls then")
    return moment.astimezone(UTC)


#: A moment with its time zone, in UTC.
Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]


class Input(Schema):
    """Base of request bodies: an unknown field is an error rather than silently lost."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class Paging(Schema):
    """Which part of a list. Newest first; `cursor` is the `next` of the page before."""

    cursor: str = Field(default="", max_length=200, description="`next` of the page before; empty for the first page")
    limit: int = Field(default=50, ge=1, le=200, description="Items on a page")


def page_of(rows: QuerySet[ModelT], paging: Paging, *, by: str) -> tuple[list[ModelT], str | None]:
    """One page of `rows`, newest first by the time field `by`, and the cursor of the next one (None at the end).

    Rows that arrive meanwhile shift nothing: a cursor names the last row that was seen. Raises `Invalid`.
    """
    if paging.cursor:
        at, pk = _opened(paging.cursor, rows.model)
        rows = rows.filter(Q(**{f"{by}__lt": at}) | Q(**{by: at, "pk__lt": pk}))
    found = list(rows.order_by(f"-{by}", "-pk")[: paging.limit + 1])
    if len(found) <= paging.limit:
        return found, None
    last = found[paging.limit - 1]
    return found[: paging.limit], _sealed(getattr(last, by), last.pk)


def _sealed(at: datetime, pk: Any) -> str:
    return base64.urlsafe_b64encode(f"{at.isoformat()}|{pk}".encode()).decode().rstrip("=")


def _opened(cursor: str, model: type[Model]) -> tuple[datetime, Any]:
    try:
        plain = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
        moment, _, pk = plain.partition("|")
        at, key = _in_utc(datetime.fromisoformat(moment)), model._meta.pk.to_python(pk)
    except (binascii.Error, ValueError, ValidationError):
        key = None
    if key is None:
        raise Invalid("this cursor can't be read; take the one of the page before", field="cursor")
    return at, key
