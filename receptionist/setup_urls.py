"""The set-up's addresses, on a tenant's host."""

from __future__ import annotations

from django.urls import path

from receptionist import setup

urlpatterns = [
    path("welcome", setup.resume, name="welcome"),
    path("welcome/<slug:step>", setup.screen, name="setup"),
]
