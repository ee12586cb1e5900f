"""A business as one YAML document."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from common.errors import Invalid


def read_profile(path: Path) -> dict[str, Any]:
    """The document at `path`; what is in it is checked by the rooms that use it. Raises `Invalid`."""
    try:
        data = yaml.safe_load(path.read_text())
    except (OSError, UnicodeDecodeError):
        raise Invalid("this file can't be read", file=str(path)) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise Invalid(f"this is not YAML{f': line {mark.line + 1}' if mark else ''}", file=str(path)) from None
    if not isinstance(data, dict) or not all(isinstance(key, str) for key in data):
        raise Invalid("a business is described by named fields", file=str(path))
    return data
