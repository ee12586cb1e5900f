"""People: making users and memberships."""

from __future__ import annotations

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from common.errors import Invalid
from tenants.models import Membership, Role, Tenant, User


def check_new_user(email: str, password: str) -> User:
    """A user that is not stored yet, password hashed. Raises `Invalid` naming what is wrong with either."""
    address = email.strip().lower()
    try:
        validate_email(address)
    except ValidationError:
        raise Invalid("this is not an e-mail address", field="email") from None
    user = User(email=address)
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise Invalid(" ".join(error.messages), field="password") from None
    user.set_password(password)
    return user


def ensure_owner(tenant: Tenant, candidate: User) -> User:
    """Make the person of `candidate`'s address the owner of `tenant`.

    Somebody who is a user already keeps their own password: a stranger can't set it by founding a business.
    """
    user = User.objects.filter(email=candidate.email).first()
    if user is None:
        candidate.save()
        user = candidate
    Membership.objects.update_or_create(user=user, tenant=tenant, defaults={"role": Role.OWNER})
    return user
