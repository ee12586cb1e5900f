"""People: making users and memberships."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from common.errors import Invalid
from tenants.models import Membership, Role, Tenant, User

#: Hashing a password takes a quarter of a second of one core (and 100 MB) outside the interpreter's lock.
_hashing = ThreadPoolExecutor(max_workers=2, thread_name_prefix="password")


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody who may become a user: the address in small letters, and the password's hash, which is being made."""

    email: str
    password: Future[str]


def check_new_user(email: str, password: str) -> Candidate:
    """Somebody whose address and password will do. Raises `Invalid` naming what is wrong with either."""
    address = email.strip().lower()
    try:
        validate_email(address)
    except ValidationError:
        raise Invalid("this is not an e-mail address", field="email") from None
    try:
        validate_password(password, User(email=address))
    except ValidationError as error:
        raise Invalid(" ".join(error.messages), field="password") from None
    return Candidate(address, _hashing.submit(make_password, password))


def ensure_owner(tenant: Tenant, candidate: Candidate) -> User:
    """Make the person of `candidate`'s address the owner of `tenant`.

    Somebody who is a user already keeps their own password: a stranger can't set it by founding a business.
    """
    user = User.objects.filter(email=candidate.email).first()
    if user is None:
        user = User.objects.create(email=candidate.email, password=candidate.password.result())
    Membership.objects.update_or_create(user=user, tenant=tenant, defaults={"role": Role.OWNER})
    return user
