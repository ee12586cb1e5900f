"""Phones: whoever speaks on a line. Each satisfies `carrier.line.Phone`; a new kind is a new module here.

`wav` speaks files, `loop` joins two lines of this carrier. A browser or SIP phone reads its own packets, hands 160-byte
frames out of `read`, takes them in `write`, and calls `Line.press` and `Line.hang_up("caller")`.
"""

from __future__ import annotations
