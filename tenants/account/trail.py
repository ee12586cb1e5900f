"""What happens to accounts, written down in the audit trail; and tenants' sessions among a person's sessions."""

from __future__ import annotations

from typing import Any

from allauth.account import signals
from allauth.mfa import signals as factors

from tenants.services import audit


def _signed_in(sender: Any, user: Any, **kwargs: Any) -> None:
    audit.record("user.signed_in", actor=user.pk)


def _password(sender: Any, user: Any, **kwargs: Any) -> None:
    audit.record("user.password_changed", actor=user.pk)


def _verified(sender: Any, email_address: Any, **kwargs: Any) -> None:
    audit.record("user.email_verified", actor=email_address.user_id)


def _factor_on(sender: Any, user: Any, authenticator: Any, **kwargs: Any) -> None:
    audit.record("user.factor_added", actor=user.pk, factor=str(authenticator.type))


def _factor_off(sender: Any, user: Any, authenticator: Any, **kwargs: Any) -> None:
    audit.record("user.factor_removed", actor=user.pk, factor=str(authenticator.type))


def connect() -> None:
    """Once, when the application starts."""
    for signal, receiver in (
        (signals.user_logged_in, _signed_in),
        (signals.password_changed, _password),
        (signals.password_reset, _password),
        (signals.email_confirmed, _verified),
        (factors.authenticator_added, _factor_on),
        (factors.authenticator_removed, _factor_off),
        (factors.authenticator_reset, _factor_on),
    ):
        signal.connect(receiver, dispatch_uid=f"tenants.trail.{receiver.__name__}.{id(signal)}")
