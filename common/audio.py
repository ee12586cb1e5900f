"""Telephone audio: G.711 mu-law, WAV files, resampling. Pure functions on bytes and numpy arrays."""

from __future__ import annotations

import io
import wave
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import soxr

from common.errors import Invalid

Int16 = npt.NDArray[np.int16]

RATE = 8000
FRAME_MS = 20
FRAME_BYTES = RATE * FRAME_MS // 1000
ULAW_SILENCE = 0xFF


def _decode_table() -> Int16:
    # ITU-T G.711, mu-law expansion: inverted byte = sign, exponent, mantissa; bias 33 at 14 bits.
    code = ~np.arange(256, dtype=np.int32) & 0xFF
    magnitude = (((code & 0x0F) << 3) + 0x84) << ((code >> 4) & 0x07)
    value = magnitude - 0x84
    return np.where(code & 0x80, -value, value).astype(np.int16)


def _encode_table(decode: Int16) -> npt.NDArray[np.uint8]:
    # Compression by G.711's own segments for every 16-bit sample, so that encoding is one look-up.
    sample = np.arange(-32768, 32768, dtype=np.int32)
    sign = np.where(sample < 0, 0x80, 0)
    magnitude = np.minimum(np.abs(sample), 32635) + 0x84
    exponent = np.floor(np.log2(magnitude)).astype(np.int32) - 7
    mantissa = (magnitude >> (exponent + 3)) & 0x0F
    codes: npt.NDArray[np.uint8] = (~(sign | (exponent << 4) | mantissa) & 0xFF).astype(np.uint8)
    return codes


_DECODE = _decode_table()
_ENCODE = _encode_table(_DECODE)


def ulaw_decode(data: bytes | memoryview) -> Int16:
    """Mu-law bytes to 16-bit samples, one a byte."""
    return _DECODE[np.frombuffer(data, np.uint8)]


def ulaw_encode(samples: Int16) -> bytes:
    """16-bit samples to mu-law bytes, one a sample."""
    return _ENCODE[samples.astype(np.int32) + 32768].tobytes()


def resample(samples: Int16, rate_in: int, rate_out: int) -> Int16:
    """Band-limited change of the sample rate (soxr, high quality), mono 16-bit in and out."""
    if rate_in == rate_out or samples.size == 0:
        return samples
    return np.asarray(soxr.resample(samples, rate_in, rate_out, "HQ"), dtype=np.int16)


def level_db(samples: Int16) -> float:
    """Root-mean-square level in dB relative to full scale; -120 for digital silence or no samples."""
    if samples.size == 0:
        return -120.0
    rms = float(np.sqrt(np.mean(samples.astype(np.float64) ** 2)))
    return max(-120.0, 20.0 * float(np.log10(max(rms, 1e-9) / 32768.0)))


def peaks(samples: Int16, bars: int) -> list[int]:
    """The outline of one channel for a waveform: at most `bars` heights of 0 to 100, the root of the loudest sample.

    The root brings speech at ordinary levels to a height that can be seen.
    """
    if samples.size == 0 or bars < 1:
        return []
    edges = np.unique(np.linspace(0, samples.size, min(bars, samples.size) + 1, dtype=np.int64))
    loudest = np.maximum.reduceat(np.abs(samples.astype(np.int32)), edges[:-1])
    return [int(height) for height in np.rint(100 * np.sqrt(loudest / 32768))]


@dataclass(frozen=True, slots=True)
class Wav:
    """Decoded WAV: `samples` is int16 of shape (frames, channels)."""

    samples: Int16
    rate: int

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return len(self.samples) / self.rate

    def mono(self, rate: int = RATE) -> Int16:
        """All channels averaged, resampled to `rate`."""
        mixed = self.samples.astype(np.int32).mean(axis=1).astype(np.int16)
        return resample(mixed, self.rate, rate)

    def channel(self, index: int) -> Int16:
        """Samples of one channel at the file's own rate."""
        return self.samples[:, index]


def read_wav(data: bytes) -> Wav:
    """Parse a PCM WAV file of 8, 16, 24 or 32 bits. Raises `Invalid` for anything else."""
    try:
        with wave.open(io.BytesIO(data)) as file:
            width, channels, rate = file.getsampwidth(), file.getnchannels(), file.getframerate()
            raw = file.readframes(file.getnframes())
    except (wave.Error, EOFError) as error:
        # An EOFError says nothing of itself.
        raise Invalid(f"not a PCM WAV file: {str(error) or 'it ends before its sound begins'}") from None
    raw = raw[: len(raw) - len(raw) % (width * channels)]
    if width == 1:
        samples = ((np.frombuffer(raw, np.uint8).astype(np.int16) - 128) << 8).astype(np.int16)
    elif width == 2:
        samples = np.frombuffer(raw, "<i2").astype(np.int16)
    elif width == 3:
        samples = np.frombuffer(raw, np.uint8).reshape(-1, 3)[:, 1:].copy().view("<i2").ravel().astype(np.int16)
    elif width == 4:
        samples = (np.frombuffer(raw, "<i4") >> 16).astype(np.int16)
    else:
        raise Invalid(f"WAV of {width * 8} bits is not supported")
    if rate < 1000 or channels < 1:
        raise Invalid("WAV header has an impossible rate or channel count")
    return Wav(samples.reshape(-1, channels), rate)


def write_wav(samples: Int16, rate: int = RATE) -> bytes:
    """16-bit PCM WAV of samples shaped (frames,) or (frames, channels)."""
    shaped = samples.reshape(-1, 1) if samples.ndim == 1 else samples
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(shaped.shape[1])
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.ascontiguousarray(shaped, dtype="<i2").tobytes())
    return out.getvalue()
