"""Team and settings: pages of a tenant's host about who may do what."""

from __future__ import annotations
