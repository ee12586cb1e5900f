"""What every page of a tenant shows of its calls; a context processor."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from django.http import HttpRequest

from calls import inbox
from calls.models import Call, DecisionKind


class Desk:
    """Figures for the frame of a page, each asked for once and only when it is shown."""

    @cached_property
    def inbox_count(self) -> int:
        """New entries of the inbox."""
        return inbox.new_count()

    @cached_property
    def live_count(self) -> int:
        """Calls on the line."""
        return Call.objects.filter(ended_at__isnull=True).exclude(decision=DecisionKind.REJECT).count()


def desk(request: HttpRequest) -> dict[str, Any]:
    """`desk` on pages behind `member_required`, which has put the role on the request; nothing elsewhere."""
    return {"desk": Desk()} if getattr(request, "role", None) else {}
