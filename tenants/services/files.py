"""A tenant's files: everything under ``MEDIA_ROOT/<schema>``."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from django.conf import settings


def tenant_folder(schema: str) -> Path:
    """The folder of one tenant's files. Raises `ValueError` for anything but a generated schema name."""
    if not re.fullmatch(r"t_[0-9a-f]{12}", schema):
        raise ValueError("not a generated schema name")
    return Path(settings.MEDIA_ROOT) / schema


def remove_files(schema: str) -> None:
    """Remove a tenant's files; harmless where there are none."""
    if schema:
        shutil.rmtree(tenant_folder(schema), ignore_errors=True)
