"""The world that is attacked: alpha with something of everything, beta beside it, people of every role."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import connection, transaction
from django.test import Client

from calls import journal
from calls.facts import JournalEvent
from calls.models import CallEvent
from common.clock import now
from knowledge import faq
from knowledge.models import Document
from receptionist.models import SpecialDay
from receptionist.profile import HoursIn
from receptionist.services import set_hours
from tenants.context import in_tenant, load_tenant
from tenants.models import ApiKey, Invitation, Membership, Role, Tenant, User
from tenants.services.api_keys import issue_api_key
from tenants.services.invitations import _digest
from tests.api.program import Filled, fill
from tests.cast import ALICE, ALPHA, BETA, BOB, PASSWORD, Business

TOKEN = "t" * 43
#: Addresses by what they are for; alice, bob, carol and mallory are the cast's.
PEOPLE = {
    "alice": ALICE.email,
    "mallory": "mallory@beta.example",
    "tom": "tom@nowhere.example",  # has a second factor
    **{role.value: f"{role.value}@alpha.example" for role in Role},
}
#: Tables of rows that come and go with every request.
_PASSING = ("django_session", "django_migrations", "usersessions_usersession", "tenants_schemablueprint")
_PASSING_FIELDS = ["last_used_at", "last_seen_at", "last_login", "seen_at"]


def _host(business: Business | None) -> str:
    return business.host if business else "localhost:8000"


class Stage:
    """Both tenants. `undone` takes back whatever happens inside it."""

    def __init__(self) -> None:
        connection.set_schema_to_public()
        self.alpha, self.beta = (load_tenant(slug=business.slug).info for business in (ALPHA, BETA))
        self._fill_public()
        self._count_from(self.alpha.schema, 1000)
        self.filled: Filled = in_tenant(self.alpha.schema, fill)
        in_tenant(self.alpha.schema, set_hours, HoursIn.model_validate({"mon": ["09:00-17:00"]}))
        in_tenant(self.beta.schema, fill, "What mallory knows.")
        self.faq_ref: str = in_tenant(self.alpha.schema, lambda: faq.pairs()[0].ref)
        self.holiday: int = in_tenant(self.alpha.schema, lambda: SpecialDay.objects.get().pk)
        self.faq_document: int = in_tenant(self.alpha.schema, lambda: Document.objects.get(key="faq").pk)
        self.question: int = in_tenant(self.alpha.schema, self._unanswered)
        self._cookies: dict[tuple[str, str], str] = {}
        for person in PEOPLE:
            for business in (ALPHA, BETA, None):
                self._sign_in(person, business)
        self._sql = self._fingerprint_sql()

    def _fill_public(self) -> None:
        alpha = Tenant.objects.get(slug=ALPHA.slug)
        Tenant.objects.filter(pk=alpha.pk).update(setup_step="hours")
        for email in set(PEOPLE.values()):
            user, _ = User.objects.get_or_create(email=email, defaults={"password": make_password(PASSWORD)})
            EmailAddress.objects.create(user=user, email=email, primary=True, verified=True)
        for role in Role:
            Membership.objects.create(user=self.user(role.value), tenant=alpha, role=role)
        self.member = Membership.objects.get(user__email=BOB.email).pk
        tom = self.user("tom")
        TOTP.activate(tom, generate_totp_secret())
        self.code = RecoveryCodes.activate(tom).get_unused_codes()[0]
        self.key = issue_api_key(alpha, "everything")
        self.key_row = ApiKey.objects.get(prefix=self.key[:9]).pk
        self.beta_key = issue_api_key(Tenant.objects.get(slug=BETA.slug), "everything")
        self.invitation = Invitation.objects.create(
            tenant=alpha, email="new@x.example", role="agent", digest=_digest(TOKEN), expires_at=now() + timedelta(1)
        ).pk

    @staticmethod
    def user(name: str) -> User:
        return User.objects.get(email=PEOPLE[name])

    @staticmethod
    def _count_from(schema: str, first: int) -> None:
        """Alpha's ids are none of beta's."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT sequencename FROM pg_sequences WHERE schemaname = %s", [schema])
            for (name,) in cursor.fetchall():
                cursor.execute(f'SELECT setval(\'"{schema}"."{name}"\', nextval(\'"{schema}"."{name}"\') + {first})')

    def _unanswered(self) -> int:
        arguments = {"question": "Do you treat cats?"}
        data = {
            "name": "answer_question",
            "arguments": json.dumps(arguments),
            "output": {"decision": "decline"},
            "ok": True,
        }
        journal.append(self.filled.call.pk, "media", [JournalEvent("tool", data, 6000, 5)])
        return int(CallEvent.objects.get(source="media", seq=5).pk)

    def _sign_in(self, person: str, business: Business | None) -> None:
        client = Client(headers={"host": _host(business)})
        client.force_login(self.user(person), backend=settings.AUTHENTICATION_BACKENDS[0])
        session = client.session
        session["place"] = f"tenant:{(self.alpha if business is ALPHA else self.beta).id}" if business else "root"
        session.save()
        self._cookies[person, _host(business)] = client.cookies[settings.SESSION_COOKIE_NAME].value

    def client(self, person: str = "", business: Business | None = None, **more: Any) -> Client:
        """A browser on a business's host or the root's (None), signed in there as `person`, or as nobody."""
        client = Client(headers={"host": _host(business)}, raise_request_exception=False, **more)
        if person:
            client.cookies[settings.SESSION_COOKIE_NAME] = self._cookies[person, _host(business)]
        return client

    @contextmanager
    def undone(self) -> Iterator[None]:
        """Nothing that happens inside remains."""
        with transaction.atomic():
            try:
                yield
            finally:
                transaction.set_rollback(True)
        connection.set_schema_to_public()

    def _fingerprint_sql(self) -> str:
        fields = ",".join(f"'{name}'" for name in _PASSING_FIELDS)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT schemaname, tablename FROM pg_tables WHERE schemaname IN ('public', %s, %s)",
                [self.alpha.schema, self.beta.schema],
            )
            tables = [row for row in cursor.fetchall() if row[1] not in _PASSING]
        return " UNION ALL ".join(
            f"SELECT '{schema}.{table}', sum(hashtextextended((to_jsonb(t) - ARRAY[{fields}])::text, 0))"
            f' FROM "{schema}"."{table}" t'
            for schema, table in sorted(tables)
        )

    def fingerprint(self) -> dict[str, Any]:
        """Every row of both tenants and of what they share, as one number a table."""
        connection.set_schema_to_public()
        with connection.cursor() as cursor:
            cursor.execute(self._sql)
            return dict(cursor.fetchall())
