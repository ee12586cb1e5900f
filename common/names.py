"""What a name may hold: of a business, a person, a service, a document."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

# Control characters and line breaks (U+0000..U+001F, U+007F..U+009F, U+2028, U+2029) would break lists, logs and mail
# subjects; the rest turns the direction of what stands behind the name. Right-to-left letters and the marks that
# Hebrew and Arabic need (U+200E, U+200F) are as good as any.
_REFUSED = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def plain_name(text: str) -> str:
    """`text`, if it can be a name. Raises `ValueError` in words, without repeating it."""
    if _REFUSED.search(text):
        raise ValueError("a name is one line, without control characters or marks that turn the direction of text")
    return text


#: A name in what programs and documents send.
Name = Annotated[str, AfterValidator(plain_name)]
