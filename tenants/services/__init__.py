"""What can be done to tenants and people."""

from __future__ import annotations
