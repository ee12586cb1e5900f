from __future__ import annotations

import pytest

from common.errors import Invalid
from common.phone import e164, national


@pytest.mark.parametrize(
    ("text", "region", "number"),
    [
        ("(415) 555-0100", "US", "+14155550100"),
        ("+14155550100", "US", "+14155550100"),
        ("415.555.0100", "US", "+14155550100"),
        ("030 123456", "DE", "+4930123456"),
    ],
)
def test_numbers_as_people_write_them_become_e164(text, region, number):
    assert e164(text, region) == number


@pytest.mark.parametrize("text", ["", "hello", "12", "+1", "+999999999999999999", "'; drop table"])
def test_what_is_no_number_is_refused(text):
    with pytest.raises(Invalid):
        e164(text)


def test_numbers_are_shown_as_the_region_writes_them():
    assert national("+14155550100") == "(415) 555-0100"
    assert national("+4930123456") == "+49 30 123456"
    assert national("anonymous") == "anonymous"
