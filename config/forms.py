"""How forms are drawn: `{{ form }}` and `{{ field.as_field_group }}` give the field of the design language."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any, cast

import django.forms
from django.conf import settings
from django.forms.renderers import BaseRenderer
from django.template.backends.django import DjangoTemplates


class FormRenderer(BaseRenderer):
    """Our templates first, then Django's own for the widgets."""

    form_template_name = "components/form.html"
    field_template_name = "components/field.html"

    @cached_property
    def engine(self) -> DjangoTemplates:
        """An engine of its own: the pages' engine doesn't look into Django's widget templates."""
        options = cast(dict[str, Any], settings.TEMPLATES[0]["OPTIONS"])
        return DjangoTemplates(
            {
                "APP_DIRS": False,
                "DIRS": [settings.BASE_DIR / "templates", Path(django.forms.__file__).parent / "templates"],
                "NAME": "forms",
                "OPTIONS": {"builtins": options["builtins"]},
            }
        )

    def get_template(self, template_name: str) -> Any:
        """The template of that name; raises `TemplateDoesNotExist`."""
        return self.engine.get_template(template_name)
