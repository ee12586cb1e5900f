from __future__ import annotations

import io
import wave

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.audio import FRAME_BYTES, Wav, level_db, read_wav, resample, ulaw_decode, ulaw_encode, write_wav
from common.errors import Invalid


def test_every_mulaw_code_survives_a_round_trip_but_negative_zero():
    codes = bytes(range(256))
    again = ulaw_encode(ulaw_decode(codes))
    assert [i for i in range(256) if again[i] != codes[i]] == [0x7F]  # minus zero becomes plus zero


def test_mulaw_decodes_to_the_values_of_g711():
    assert ulaw_decode(bytes([0x00, 0x80, 0xFF, 0x8F, 0x70])).tolist() == [-32124, 32124, 0, 16764, -120]


@given(st.lists(st.integers(-32768, 32767), min_size=1, max_size=400))
def test_mulaw_error_stays_within_half_a_step(values):
    samples = np.array(values, np.int16)
    error = np.abs(ulaw_decode(ulaw_encode(samples)).astype(int) - np.clip(samples.astype(int), -32635, 32635))
    # A step of G.711 is 2^(exponent+3) at 16 bits: at most 1/16 of the magnitude plus the smallest step.
    assert (error <= np.abs(samples.astype(int)) / 16 + 8).all()


@given(st.integers(1, 3), st.integers(0, 500), st.sampled_from([8000, 16000, 44100]))
def test_wav_files_keep_samples_rate_and_channels(channels, frames, rate):
    samples = np.arange(frames * channels, dtype=np.int16).reshape(-1, channels)
    wav = read_wav(write_wav(samples, rate))
    assert wav.rate == rate
    assert wav.samples.shape == (frames, channels)
    assert (wav.samples == samples).all()


@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_wav_of_every_pcm_width_is_read_at_the_right_level(width):
    tone = np.sin(np.arange(1600) * 2 * np.pi * 440 / 8000) * 0.5
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(width)
        file.setframerate(8000)
        if width == 1:
            file.writeframes((tone * 127 + 128).astype(np.uint8).tobytes())
        else:
            full = (tone * (2 ** (8 * width - 1) - 1)).astype("<i4")
            raw = full.astype("<i4").tobytes()
            file.writeframes(b"".join(raw[i : i + width] for i in range(0, len(raw), 4)))
    level = level_db(read_wav(out.getvalue()).channel(0))
    assert level == pytest.approx(-9.03, abs=0.2)


@given(st.binary(max_size=300))
def test_bytes_that_are_no_wav_are_refused_with_a_plain_message(data):
    with pytest.raises(Invalid):
        read_wav(data)


def test_a_truncated_wav_gives_the_whole_samples_it_holds():
    data = write_wav(np.ones((100, 2), np.int16), 8000)
    assert len(read_wav(data[:-3]).samples) == 99


def test_resampling_keeps_length_in_seconds_and_pitch():
    second = (np.sin(np.arange(16000) * 2 * np.pi * 440 / 16000) * 12000).astype(np.int16)
    down = resample(second, 16000, 8000)
    assert abs(len(down) - 8000) <= 2
    spectrum = np.abs(np.fft.rfft(down.astype(float)))
    assert abs(int(spectrum.argmax()) - 440) <= 1


def test_mono_averages_the_channels():
    stereo = np.stack([np.full(FRAME_BYTES, 1000), np.full(FRAME_BYTES, 3000)], axis=1).astype(np.int16)
    assert set(Wav(stereo, 8000).mono().tolist()) == {2000}
