"""What the API tells of a business and its people."""

from __future__ import annotations

from datetime import datetime

from ninja import Schema
from pydantic import Field

from tenants.models import Role


class KeyOut(Schema):
    """The key that asks."""

    name: str
    prefix: str = Field(description="The first characters, as Settings shows them", examples=["dk_4fTq9x"])
    scopes: list[str] = Field(description="What the key may do", examples=[["calls:read", "messages:read"]])


class BusinessOut(Schema):
    """The business the key belongs to."""

    name: str
    slug: str
    profession: str
    timezone: str = Field(examples=["America/New_York"])
    locale: str = Field(examples=["en-US"])
    numbers: list[str] = Field(description="Numbers callers dial, E.164", examples=[["+14155550100"]])


class CreditsOut(Schema):
    """What is left to spend."""

    balance: int = Field(description="Credits")
    calls_answered: bool = Field(description="Whether the receptionist takes calls with this balance")


class MeOut(Schema):
    """Who the key is."""

    key: KeyOut
    business: BusinessOut
    credits: CreditsOut


class MemberOut(Schema):
    """Somebody who works here."""

    email: str
    role: Role
    since: datetime


class TeamOut(Schema):
    """Everybody who works here, by address."""

    items: list[MemberOut]
