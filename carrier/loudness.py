"""Is there a voice on this frame? Energy over mu-law, one table look-up a sample."""

from __future__ import annotations

import numpy as np

from common.audio import ulaw_decode

_SQUARES = ulaw_decode(bytes(range(256))).astype(np.float32) ** 2
#: Root mean square of a 16-bit sample above which a frame is loud: -40 dB of full scale, well above line noise.
LOUD_RMS = 328.0


def is_loud(frame: bytes, rms: float = LOUD_RMS) -> bool:
    """Whether a mu-law frame carries more than noise."""
    return bool(_SQUARES[np.frombuffer(frame, np.uint8)].mean() > rms * rms)


class Ear:
    """Follows one direction of a line, frame by frame: has it spoken, and for how long has it been quiet?

    A click is not speech: `spoken` needs 100 ms of loud frames since the last `reset`. Counts are 20 ms frames.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget what was heard; a voice that is sounding goes on being heard."""
        self._loud = 0
        #: Frames since the first loud one, counting from the reset; 0 when none was heard.
        self.since_onset = 0
        #: Frames since the last loud one.
        self.quiet = 0

    @property
    def spoken(self) -> bool:
        """Whether speech was heard since the reset."""
        return self._loud >= 5

    def hear(self, frame: bytes) -> None:
        """Take in the next frame."""
        if is_loud(frame):
            self._loud += 1
            self.quiet = 0
        else:
            self.quiet += 1
            if not self.spoken and self.quiet >= 15:
                # A click: its onset is not the onset of speech.
                self._loud = 0
                self.since_onset = 0
        if self._loud:
            self.since_onset += 1
