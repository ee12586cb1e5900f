"""From a Host header to a tenant, and back."""

from __future__ import annotations

from typing import Final, Literal

from django.conf import settings

from tenants.context import ActiveTenant, UnknownTenant, load_tenant

ROOT: Final = "root"
_SERVED = ("active", "suspended")


def host_name(host: str) -> str:
    """`host` without port and trailing dot, in lower case; brackets of an IPv6 address stay."""
    host = host.strip().lower()
    name = host[: host.index("]") + 1] if host.startswith("[") and "]" in host else host.partition(":")[0]
    return name.rstrip(".")


def is_root(host: str) -> bool:
    """Whether `host` is the platform's own (``PUBLIC_URL``, ``EXTRA_HOSTS``)."""
    name = host_name(host)
    return name == settings.ROOT_HOSTNAME or name in {host_name(extra) for extra in settings.EXTRA_HOSTS}


def resolve_host(host: str) -> ActiveTenant | Literal["root"]:
    """The tenant of ``<slug>.<root host>`` or of a custom domain; `ROOT` for the platform's own host.

    Raises `UnknownTenant` for every other name. Runs on the public schema.
    """
    if is_root(host):
        return ROOT
    name = host_name(host)
    slug = name.removesuffix(f".{settings.ROOT_HOSTNAME}")
    if slug != name:
        if "." in slug:
            raise UnknownTenant("there is no such business")
        return load_tenant(_SERVED, slug=slug)
    return load_tenant(_SERVED, domains__domain=name)


def tenant_origin(slug: str) -> str:
    """Scheme and host of a tenant's pages."""
    scheme = "https" if settings.SECURE else "http"
    return f"{scheme}://{slug}.{settings.ROOT_HOST}"


def origin_is_host(origin: str, host: str) -> bool:
    """Whether a browser's Origin header names the very host it speaks to."""
    scheme, _, rest = origin.lower().partition("://")
    return scheme in {"http", "https"} and rest == host.strip().lower() and rest != ""
