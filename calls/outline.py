"""The outline of a recording: how loud it was when, for the waveform of a player."""

from __future__ import annotations

from calls.models import Recording
from calls.recordings import read_recording
from common.crypto import Unreadable
from common.errors import Invalid, NotFound

BARS = 240

Outline = dict[str, list[int]]


def outline_of(recording: Recording) -> Outline:
    """`caller` and `receptionist`: at most `BARS` heights of 0 to 100 each; none for sound that can't be read.

    The carrier records a call in stereo, the caller on the left; a voicemail has the caller alone.
    """
    from common.audio import peaks, read_wav  # loads numpy, which most who load this never need

    try:
        wav = read_wav(read_recording(recording))
    except (Invalid, NotFound, Unreadable):
        return {"caller": [], "receptionist": []}
    stereo = wav.samples.shape[1] > 1
    return {
        "caller": peaks(wav.channel(0), BARS),
        "receptionist": peaks(wav.channel(1), BARS) if stereo else [],
    }


def kept_outline(recording: Recording) -> Outline:
    """The outline as it was stored; recordings from before there were outlines get theirs now."""
    if recording.outline is None:
        recording.outline = outline_of(recording)
        Recording.objects.filter(pk=recording.pk).update(outline=recording.outline)
    outline: Outline = recording.outline
    return outline
