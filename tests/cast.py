"""The people of the tests. Two businesses: *alpha*, where alice, bob and carol work, and *beta*, mallory's own."""

from __future__ import annotations

from dataclasses import dataclass

PASSWORD = "correct-horse-7-battery"


@dataclass(frozen=True)
class Person:
    """Someone who can sign in, with their role and business."""

    email: str
    role: str
    slug: str


@dataclass(frozen=True)
class Business:
    """A tenant of the tests."""

    slug: str
    name: str
    number: str

    @property
    def host(self) -> str:
        """Host header under which it is served."""
        return f"{self.slug}.localhost:8000"


ALPHA = Business("alpha", "Alpha Dental", "+14155550111")
BETA = Business("beta", "Beta Plumbing", "+14155550122")

ALICE = Person("alice@alpha.example", "owner", "alpha")
BOB = Person("bob@alpha.example", "agent", "alpha")
CAROL = Person("carol@alpha.example", "supervisor", "alpha")
MALLORY = Person("mallory@beta.example", "owner", "beta")
PEOPLE = (ALICE, BOB, CAROL, MALLORY)

#: Someone on the telephone.
CALLER = "+14155550199"
