"""A new business in under a second.

A schema is taken from the pool, and everything the business needs is written in **one** transaction: if anything fails,
nothing of it remains and the schema is back in the pool. Rooms above add steps (`register_step`).
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from common.errors import AppError, Conflict, Invalid, Unavailable
from common.names import plain_name
from common.phone import e164
from tenants import keys, numbers
from tenants.context import in_public, in_tenant
from tenants.models import Domain, PhoneNumber, Tenant, TenantStatus
from tenants.models.tenant import SLUG_PATTERN
from tenants.schemas import create_pool_schema, refresh_versions, schema_version
from tenants.services import audit
from tenants.services.api_keys import issue_api_key
from tenants.services.files import remove_files
from tenants.services.people import check_new_user, ensure_owner

log = logging.getLogger(__name__)

Profile = dict[str, Any]
Step = Callable[[Tenant, Profile], None]
_steps: dict[str, Step] = {}

#: Names that could be taken for the platform's own.
RESERVED_SLUGS = frozenset(
    {"admin", "api", "app", "assets", "help", "localhost", "mail", "media", "platform", "root", "static", "status"}
    | {"support", "twilio", "www"}
)


@dataclass(frozen=True, slots=True)
class Provisioned:
    """What `create_tenant` made; `number` is None where numbers are bought by hand.

    `api_key` is its only copy, and empty where none was asked for.
    """

    id: int
    schema: str
    domain: str
    number: str | None
    api_key: str


def register_step(name: str, fn: Step) -> None:
    """Run ``fn(tenant, profile)`` inside each new tenant's schema, in order of registration.

    `profile` is the business as in its YAML (see the seams page), at least ``{"name", "profession"}``; with ``"later"``
    somebody waits for the answer, and what takes long belongs in a task. The step runs in
    the provisioning transaction: raising undoes the whole business. `apply_profile` runs steps again for a changed
    profile, so they must be idempotent. What can't be undone belongs in a task sent with `send_after_commit`.
    """
    _steps[name] = fn


def _check_name(name: str) -> str:
    name = name.strip()
    if not 1 <= len(name) <= 120:
        raise Invalid("a name has 1 to 120 characters", field="name")
    try:
        return plain_name(name)
    except ValueError as error:
        raise Invalid(str(error), field="name") from None


def check_slug(slug: str) -> str:
    """`slug`, if it can be used. Raises `Invalid`, or `Conflict` when it is taken."""
    if not re.fullmatch(SLUG_PATTERN, slug):
        raise Invalid(
            "an address is 1 to 40 small letters, digits and hyphens, with a letter or digit at both ends", field="slug"
        )
    if slug[2:4] == "--":
        # DNS keeps such names for other scripts ("xn--…"): browsers would show something else than what was chosen.
        raise Invalid("an address can't have hyphens in third and fourth place", field="slug")
    if slug in RESERVED_SLUGS:
        raise Conflict("this address is reserved", field="slug")
    if Tenant.objects.filter(slug=slug).exists():
        raise Conflict("this address is taken", field="slug")
    return slug


def create_tenant(
    *,
    name: str,
    slug: str,
    owner_email: str,
    password: str,
    number: str | None = None,
    profession: str = "generic",
    profile: Profile | None = None,
    wait: bool = True,
    with_key: bool = False,
) -> Provisioned:
    """Make a business that can be called when this returns.

    With `wait` false whatever takes long and can be made up for (the greeting's audio) is left to tasks. `with_key` is
    for who shows the API key to somebody: it can't be read again.

    Raises `Invalid` (name, slug, e-mail, password, number), `Conflict` (slug or number taken) or what a step raises;
    then nothing of it exists.
    """
    asked = {**(profile or {}), **({} if wait else {"later": True})}
    return in_public(_create, name, slug, owner_email, password, number, profession, asked, with_key)


def _create(
    name: str,
    slug: str,
    owner_email: str,
    password: str,
    number: str | None,
    profession: str,
    profile: Profile,
    with_key: bool,
) -> Provisioned:
    name = _check_name(name)
    check_slug(slug)
    wanted = check_number(number) if number else numbers.free_number()
    owner = check_new_user(owner_email, password)
    full_profile: Profile = {**profile, "name": name, "profession": profession}
    if pool_shortage(1):
        # Outside the transaction: a migration can't be undone half-way through one.
        log.info("the pool of schemas was empty")
        create_pool_schema()
    schema = ""
    try:
        with transaction.atomic():
            tenant = _claim()
            schema = tenant.schema_name
            _describe(tenant, name, slug, profession, full_profile)
            domain = Domain.objects.create(domain=f"{slug}.{settings.ROOT_HOSTNAME}", tenant=tenant, is_primary=True)
            api_key = issue_api_key(tenant, "first key") if with_key else ""
            in_tenant(schema, run_steps, tenant, full_profile)
            user = ensure_owner(tenant, owner)  # by now the password's hash is made
            if wanted:
                # Last: it speaks to the carrier, which no roll-back reaches.
                in_tenant(schema, numbers.add_number, wanted)
            Tenant.objects.filter(pk=tenant.pk).update(status=TenantStatus.ACTIVE)
            audit.record("tenant.created", actor=user.pk, tenant=tenant.pk)
    except IntegrityError as error:
        remove_files(schema)
        if "slug" in str(error) or "tenants_domain" in str(error):
            raise Conflict("this address is taken", field="slug") from None
        raise
    except BaseException:
        remove_files(schema)
        raise
    _refill_behind()
    return Provisioned(tenant.pk, schema, domain.domain, wanted, api_key)


def _refill_behind() -> None:
    from tenants.tasks import send_quietly, top_up_pool

    send_quietly(top_up_pool)


def check_number(number: str) -> str:
    """`number` in E.164, if nobody has it. Raises `Invalid` or `Conflict`."""
    wanted = e164(number)
    if PhoneNumber.objects.filter(number=wanted).exists():
        raise Conflict("this number belongs to another business", field="number")
    return wanted


def _claim() -> Tenant:
    """One ready schema of this version, ours from now on. Raises `Unavailable` when others took the last ones."""
    ready = Tenant.objects.filter(status=TenantStatus.POOL, schema_version=schema_version()).order_by("id")
    tenant = ready.select_for_update(skip_locked=True).first()
    if tenant is None:
        raise Unavailable("many businesses are being set up just now; try again in a moment")
    tenant.status, tenant.claimed_at = TenantStatus.SETUP, timezone.now()
    return tenant


def _describe(tenant: Tenant, name: str, slug: str, profession: str, profile: Profile) -> None:
    tenant.name, tenant.slug, tenant.profession = name, slug, profession
    _take_settings(tenant, profile)
    tenant.data_key = keys.new_data_key(tenant.schema_name)
    tenant.profile_digest = profile_digest(profile)
    tenant.save()


def profile_digest(profile: Profile) -> str:
    """Fingerprint of a profile and of the steps that would apply it."""
    text = json.dumps([profile, sorted(_steps)], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _take_settings(tenant: Tenant, profile: Profile) -> None:
    """The columns of the tenant's own row that a profile may set. Raises `Invalid`."""
    if zone := profile.get("timezone"):
        try:
            ZoneInfo(str(zone))
        except (KeyError, ValueError, OSError):
            raise Invalid("this is not a time zone", field="timezone") from None
        tenant.timezone = str(zone)
    if locale := profile.get("locale"):
        tenant.locale = str(locale)


def run_steps(tenant: Tenant, profile: Profile) -> None:
    """Run every registered step; the tenant's context is open."""
    for name, step in _steps.items():
        try:
            step(tenant, profile)
        except AppError:
            raise
        except Exception:
            log.exception("a provisioning step failed", extra={"step": name})
            raise


def apply_profile(slug: str, profile: Profile) -> Tenant:
    """Apply a changed profile to a tenant in use, all of it or nothing. Raises `Invalid` or what a step raises."""

    def apply() -> Tenant:
        with transaction.atomic():
            tenant = Tenant.objects.select_for_update().filter(slug=slug, status=TenantStatus.ACTIVE).first()
            if tenant is None:
                raise Invalid("there is no active business with this slug", field="slug")
            if profile.get("name") is not None:
                tenant.name = _check_name(str(profile["name"]))
            tenant.profession = str(profile.get("profession") or tenant.profession)
            _take_settings(tenant, profile)
            full = {**profile, "name": tenant.name, "profession": tenant.profession}
            tenant.profile_digest = profile_digest(full)
            tenant.save()
            in_tenant(tenant.schema_name, run_steps, tenant, full)
            audit.record("tenant.configured", tenant=tenant.pk)
        return tenant

    return in_public(apply)


def pool_shortage(size: int) -> int:
    """How many ready schemas are missing for a pool of `size`."""
    ready = Tenant.objects.filter(status=TenantStatus.POOL, schema_version=schema_version()).count()
    return max(0, size - ready)


def refill_pool(n: int) -> int:
    """Make ready schemas until the pool holds `n`; returns how many were made."""
    in_public(refresh_versions)
    made = 0
    while in_public(pool_shortage, n):
        create_pool_schema()
        made += 1
    return made
