"""Addresses of the site in `tests.web.pages`."""

from __future__ import annotations

from django.contrib.messages import add_message, constants
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import include, path

from common.errors import NotFound


def landing(request: HttpRequest) -> HttpResponse:
    return render(request, "landing.html")


def missing(request: HttpRequest) -> HttpResponse:
    raise NotFound("There is no such call.")


def members_only(request: HttpRequest) -> HttpResponse:
    return redirect("/login?next=/members")


def saved(request: HttpRequest) -> HttpResponse:
    add_message(request, constants.SUCCESS, "Saved.")
    return redirect("/styleguide")


def place(request: HttpRequest) -> HttpResponse:
    return render(request, "base.html")


urlpatterns = [
    path("", landing),
    path("login", place),
    path("signup", place),
    path("missing", missing),
    path("members", members_only),
    path("saved", saved),
    path("calls", place),
    path("inbox", place),
    path("receptionist", place),
    path("knowledge", place),
    path("settings", place),
    path("", include("config.styleguide")),
]
