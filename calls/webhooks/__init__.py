"""The carrier's webhooks: one set for all tenants, the called number picks the tenant."""

from __future__ import annotations
