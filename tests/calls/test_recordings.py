from __future__ import annotations

import shutil

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from calls import recordings
from calls.models import Call, Recording
from calls.recordings import read_recording, recording_path, remove_recording, store_recording
from common.crypto import Unreadable
from common.errors import NotFound
from tenants.context import in_tenant

pytestmark = pytest.mark.usefixtures("media")


@pytest.fixture
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def small_pieces(monkeypatch):
    monkeypatch.setattr(recordings, "PIECE", 64)


@pytest.fixture
def recording(tenant):
    return Recording.objects.create(call=Call.objects.create(sid="CA1"), sid="RE1", state="kept")


def keep(recording: Recording, data: bytes, step: int = 50) -> bytes:
    recording.size = store_recording(recording, (data[at : at + step] for at in range(0, len(data), step)))
    return recording_path(recording).read_bytes()


def test_nothing_of_the_sound_lies_open_on_the_disk(recording):
    wav = b"RIFF\x24\x00\x00\x00WAVEfmt " + b"\x12\x34" * 4000
    on_disk = keep(recording, wav)
    assert b"RIFF" not in on_disk
    assert b"WAVE" not in on_disk
    assert b"\x12\x34" * 4 not in on_disk
    assert read_recording(recording) == wav


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    size=st.sampled_from([0, 1, 63, 64, 65, 127, 128, 129, 500]),
    step=st.sampled_from([1, 64, 70, 1000]),
    bounds=st.tuples(st.integers(0, 500), st.integers(0, 500)),
)
def test_any_part_is_read_as_it_was_written(small_pieces, recording, size, step, bounds):
    data = bytes(i * 7 % 256 for i in range(size))
    keep(recording, data, step)
    assert recording.size == size
    assert read_recording(recording) == data
    start, end = sorted(min(bound, size) for bound in bounds)
    assert read_recording(recording, start, end) == data[start:end]


def test_a_part_is_opened_without_the_rest(small_pieces, recording, monkeypatch):
    keep(recording, bytes(6400))
    opened: list[str] = []
    unseal = recordings.keys.unseal
    monkeypatch.setattr(
        recordings.keys, "unseal", lambda data, purpose: (opened.append(purpose), unseal(data, purpose))[1]
    )
    read_recording(recording, 3200, 3210)
    assert len(opened) == 1


@pytest.mark.parametrize("damage", ["flip", "truncate", "drop_last_piece", "swap_pieces", "append"])
def test_a_file_that_was_tampered_with_is_not_played(small_pieces, recording, damage):
    data = bytearray(keep(recording, bytes(range(200))))
    piece = 4 + int.from_bytes(data[:4], "big")
    if damage == "flip":
        data[40] ^= 1
    elif damage == "truncate":
        del data[-5:]
    elif damage == "drop_last_piece":
        del data[3 * piece :]
    elif damage == "swap_pieces":
        data[:piece], data[piece : 2 * piece] = data[piece : 2 * piece], data[:piece]
    else:
        data += data[:piece]
    recording_path(recording).write_bytes(bytes(data))
    if damage == "append":
        assert read_recording(recording) == bytes(range(200))
        return
    with pytest.raises(Unreadable):
        read_recording(recording)


def test_another_tenant_can_not_read_a_copied_file(recording, other_tenant):
    keep(recording, b"RIFF")

    def read_there() -> bytes:
        path = recording_path(recording)
        path.parent.mkdir(parents=True)
        shutil.copy(source, path)
        return read_recording(recording)

    source = recording_path(recording)
    with pytest.raises(Unreadable):
        in_tenant(other_tenant.schema, read_there)


def test_one_recording_can_not_be_passed_off_as_another(recording):
    keep(recording, b"RIFF one")
    other = Recording.objects.create(call=recording.call, sid="RE2", state="kept", size=8)
    shutil.copy(recording_path(recording), recording_path(other))
    with pytest.raises(Unreadable):
        read_recording(other)


def test_a_store_that_fails_leaves_what_was_there(recording):
    keep(recording, b"first")

    def broken():
        yield b"sec"
        raise httpx.ReadError("gone")

    with pytest.raises(httpx.ReadError):
        store_recording(recording, broken())
    assert read_recording(recording) == b"first"
    assert [p.name for p in recording_path(recording).parent.iterdir()] == [recording_path(recording).name]


def test_a_removed_file_is_not_found(recording):
    keep(recording, b"first")
    remove_recording(recording)
    remove_recording(recording)
    with pytest.raises(NotFound):
        read_recording(recording)
