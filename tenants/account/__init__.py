"""Signing up, signing in and one's own account, on the root host; django-allauth does the work."""

from __future__ import annotations
