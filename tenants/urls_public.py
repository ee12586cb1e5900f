"""Addresses of this room on the root host."""

from __future__ import annotations

from django.urls import path

from tenants import views

urlpatterns = [
    path("", views.landing, name="landing"),
    path("login", views.sign_in, name="login"),
    path("logout", views.sign_out, name="logout"),
    path("businesses", views.businesses, name="businesses"),
    path("handover/<slug:slug>", views.handover, name="handover"),
]
