"""People, once for the whole platform; what they may do is said by `Membership`."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models.functions import Lower


class UserManager(BaseUserManager["User"]):
    """Makes users; an e-mail address is stored in lower case so that it can't exist twice."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        """A person who can sign in with `email`; without a password nobody can."""
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        """A platform administrator."""
        return self.create_user(email, password, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> User:
        """By e-mail address, however it is capitalised."""
        return self.get(email=(username or "").strip().lower())


class User(AbstractBaseUser):
    """A person. The e-mail address is the login."""

    email = models.EmailField(unique=True, max_length=254)
    full_name = models.CharField(max_length=120, blank=True)
    is_active = models.BooleanField(default=True)
    #: Runs the platform itself; says nothing about any tenant.
    is_superuser = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(email=Lower("email")), name="user_email_is_lower_case"),
        ]

    def __str__(self) -> str:
        return f"user {self.pk}"

    def has_perm(self, perm: str, obj: object = None) -> bool:
        """Django's permissions are not used; platform administrators have them all."""
        return self.is_active and self.is_superuser

    def has_module_perms(self, app_label: str) -> bool:
        """See `has_perm`."""
        return self.is_active and self.is_superuser
