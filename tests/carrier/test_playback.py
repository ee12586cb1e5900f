"""What is played, and when marks come back, on a virtual clock: one pull is 20 ms."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from carrier.playback import Playback

SILENCE = 0xFF


@dataclass
class Model:
    """The plainest possible truth: every byte in one list, every mark behind the byte it waits for."""

    waiting: list[int] = field(default_factory=list)
    played: int = 0
    accepted: int = 0
    marks: list[tuple[int, str]] = field(default_factory=list)


operations = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.integers(0, 1000)),
        st.tuples(st.just("mark"), st.just(0)),
        st.tuples(st.just("pull"), st.integers(1, 8)),
        st.tuples(st.just("clear"), st.just(0)),
    ),
    max_size=60,
)


@settings(max_examples=300, deadline=None)
@given(operations)
def test_audio_is_played_in_order_and_every_mark_comes_back_once_when_its_audio_was_played(
    script: list[tuple[str, int]],
) -> None:
    playback: Playback[str] = Playback()
    model = Model()
    given_bytes = 0
    marks_set, marks_back = [], []
    for operation, amount in script:
        if operation == "put":
            audio = bytes((given_bytes + i) % 251 for i in range(amount))
            given_bytes += amount
            assert playback.put(audio) == 0
            model.waiting += audio
            model.accepted += amount
        elif operation == "mark":
            name = f"m{len(marks_set)}"
            marks_set.append(name)
            at_once = playback.mark(name)
            # At once exactly when nothing is buffered and no earlier mark still waits for its frame to sound.
            assert at_once == (not model.waiting and not model.marks)
            if at_once:
                marks_back.append(name)
            else:
                model.marks.append((model.accepted, name))
        elif operation == "pull":
            for _ in range(amount):
                frame, due = playback.pull()
                expected_due = [name for position, name in model.marks if position <= model.played]
                model.marks = [mark for mark in model.marks if mark[0] > model.played]
                assert due == expected_due
                marks_back += due
                expected, model.waiting = model.waiting[:160], model.waiting[160:]
                model.played += len(expected)
                if expected:
                    assert frame == bytes(expected).ljust(160, bytes([SILENCE]))
                else:
                    assert frame is None
        else:
            cleared = playback.clear()
            assert cleared == [name for _, name in model.marks]
            marks_back += cleared
            model.waiting, model.marks, model.played = [], [], model.accepted
        assert playback.waiting == len(model.waiting)
    # Whatever was done, letting the line run brings every mark back, each once, in order.
    while playback.waiting:
        marks_back += playback.pull()[1]
    marks_back += playback.pull()[1]
    assert marks_back == marks_set


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 5000), max_size=20), st.integers(0, 4000))
def test_a_limit_drops_the_end_of_what_does_not_fit_and_nothing_that_was_accepted(sizes: list[int], limit: int) -> None:
    playback: Playback[str] = Playback()
    dropped = sum(playback.put(b"\x01" * size, limit) for size in sizes)
    assert playback.waiting == min(sum(sizes), limit)
    assert dropped == sum(sizes) - playback.waiting


def test_a_mark_waits_until_the_frame_before_it_has_sounded() -> None:
    playback: Playback[str] = Playback()
    playback.put(b"\x01" * 320)
    assert not playback.mark("end")
    assert playback.pull()[1] == []
    # The last frame is handed out here and sounds until the next pull.
    assert playback.pull()[1] == []
    assert playback.pull() == (None, ["end"])


def test_a_mark_behind_a_mark_that_waits_does_not_overtake_it() -> None:
    playback: Playback[str] = Playback()
    playback.put(b"\x01" * 160)
    playback.mark("first")
    playback.pull()
    assert not playback.mark("second")
    assert playback.pull()[1] == ["first", "second"]
