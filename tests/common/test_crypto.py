from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.crypto import Unreadable, new_key, open_sealed, seal

KEY = new_key()


@given(st.binary(max_size=2000), st.binary(max_size=40))
def test_what_is_sealed_opens_with_key_and_purpose(data, purpose):
    sealed = seal(KEY, data, purpose)
    assert open_sealed(KEY, sealed, purpose) == data
    assert len(data) < 8 or data not in sealed


@given(st.binary(min_size=1, max_size=200), st.data())
def test_any_changed_byte_makes_it_unreadable(data, draw):
    sealed = bytearray(seal(KEY, data, b"x"))
    sealed[draw.draw(st.integers(0, len(sealed) - 1))] ^= draw.draw(st.integers(1, 255))
    with pytest.raises(Unreadable):
        open_sealed(KEY, bytes(sealed), b"x")


def test_another_key_or_purpose_does_not_open_it():
    sealed = seal(KEY, b"secret", b"recording")
    with pytest.raises(Unreadable):
        open_sealed(new_key(), sealed, b"recording")
    with pytest.raises(Unreadable):
        open_sealed(KEY, sealed, b"message")


def test_the_same_data_is_never_sealed_the_same_way_twice():
    assert seal(KEY, b"a", b"") != seal(KEY, b"a", b"")
