"""The caller's turns: heard, recognised on the chance that they are over, committed, answered."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from common.audio import Int16
from engine.house.dialogue import Said
from engine.parts.protocols import Recognition, VoiceActivity
from engine.realtime.answer import Answer
from engine.realtime.config import Pcmu, SemanticVad, ServerVad
from engine.realtime.conversation import Entry
from engine.realtime.core import Core
from engine.realtime.ear import Ear, Heard, Paused, Resumed, Started, Stopped
from engine.realtime.effects import Drop, Promote, Recognise
from engine.realtime.frames import ClientError
from engine.realtime.overlap import BARGE_IN_MS, LISTEN_MS, WORDLESS_MS, is_backchannel

#: A sound this short without words in it is a cough or a click: nobody needs to be asked to repeat it.
CLICK_MS = 300
MAX_GUESSES = 4
MAX_GUESS_MS = 15_000
_MIN_COMMIT_MS = 100

_SEMANTIC_SILENCE = {"low": 900, "medium": 550, "auto": 550, "high": 350}
_SEMANTIC_WAIT = {"low": 2500, "medium": 1500, "auto": 1500, "high": 800}
_UNFINISHED = re.compile(
    r"(,|\.\.\.|…|-|\b(and|or|but|so|because|the|a|an|to|for|with|of|at|on|my|is|um+|uh+|er+|like|i|it's|that|if))$",
    re.I,
)


def looks_unfinished(text: str) -> bool:
    """Whether a caller who pauses here most likely goes on."""
    return bool(_UNFINISHED.search(text.strip().rstrip(".") if not text.endswith("...") else text))


@dataclass(slots=True)
class Guess:
    """Work begun in a pause, on the chance that the turn is over."""

    job: int
    recognition: Recognition | None = None
    failed: bool = False
    answer: Answer | None = None
    #: Set when the chance came true before the words were known.
    entry: Entry | None = None
    voiced_ms: int = 0
    #: Set when the sound ended, over an answer, before its words were known: they decide whether it was a turn.
    stopped: Stopped | None = None
    #: Made of the beginning of a sound that went on: it tells whether to give way, not what the turn is.
    early: bool = False


class Turns:
    """Turn detection and input transcription of one session."""

    def __init__(self, core: Core, activity: VoiceActivity) -> None:
        self._core = core
        self.ear = Ear(activity, ulaw=False)
        self._item_id = ""
        self._guess: Guess | None = None
        self._guesses = 0
        self._disturbed = False
        #: Speech over an answer that nobody was told of yet.
        self._held: Started | None = None
        #: What had been heard of the answer when that speech began.
        self._over = ""
        self.retune()

    def retune(self) -> None:
        """Take over the session's audio settings."""
        audio = self._core.config.audio.input
        detection = audio.turn_detection
        self.ear.retune(ulaw=isinstance(audio.format, Pcmu), manual=detection is None)
        if isinstance(detection, ServerVad):
            self.ear.threshold = detection.threshold
            self.ear.prefix_ms = detection.prefix_padding_ms
            self.ear.silence_ms = detection.silence_duration_ms
        elif isinstance(detection, SemanticVad):
            self.ear.threshold, self.ear.prefix_ms = 0.5, 300
            self.ear.silence_ms = _SEMANTIC_SILENCE[detection.eagerness]
        if detection is None:
            self._held = None
            self._drop_guess()

    # --- hearing ---------------------------------------------------------------------------------------------------

    def listen(self) -> None:
        """Look at a stretch of the audio that has come in; call again while `ear.behind`."""
        for heard in self.ear.listen():
            self._heard(heard)
        if self._held is not None and self.ear.speaking:
            voiced = self.ear.voiced_ms
            if voiced >= BARGE_IN_MS:
                self._take_turn(self._held)
            elif voiced >= LISTEN_MS and self._guesses == 0:
                self._begin_guess(self.ear.turn_so_far(), voiced, early=True)

    def _heard(self, heard: Heard) -> None:
        if isinstance(heard, Started):
            self._settle()
            self._drop_guess()
            self._guesses = 0
            if self._talked_over():
                self._held = heard
                core = self._core
                self._over = core.conversation.heard((core.playing_until - core.settings.clock()) * 1000)
            else:
                self._take_turn(heard)
        elif isinstance(heard, Paused):
            if self._guess is not None and self._guess.early:
                self._drop_guess()
            self._begin_guess(heard.audio, heard.voiced_ms)
        elif isinstance(heard, Resumed):
            self._drop_guess()
        elif self._held is not None and heard.voiced_ms < BARGE_IN_MS and self._talked_over():
            self._judge(heard)
        else:
            self._stopped(heard)

    def _settle(self) -> None:
        """Whatever comes next: a sound whose words are not known yet counts as a turn."""
        if self._guess is not None and self._guess.stopped is not None:
            self._stopped(self._guess.stopped)

    def _talked_over(self) -> bool:
        """Whether the client is playing an answer that speech would cut off."""
        core = self._core
        detection = core.config.audio.input.turn_detection
        interrupts = detection is not None and detection.interrupt_response
        return interrupts and core.playing_until > core.settings.clock()

    def _take_turn(self, started: Started) -> None:
        """The caller has the turn; what is being said ends here."""
        core = self._core
        self._held = None
        self._item_id = core.new_id("item")
        core.idle_at = None
        core.send("input_audio_buffer.speech_started", audio_start_ms=started.ms, item_id=self._item_id)
        self._disturbed = core.response is not None or core.playing_until > core.settings.clock()
        detection = core.config.audio.input.turn_detection
        if detection is not None and detection.interrupt_response:
            core.cancel("turn_detected")
            core.playing_until = core.settings.clock()

    def _stopped(self, stopped: Stopped) -> None:
        if self._held is not None:
            self._take_turn(self._held)
        self._core.send("input_audio_buffer.speech_stopped", audio_end_ms=stopped.ms, item_id=self._item_id)
        self._commit(stopped)

    def _judge(self, stopped: Stopped) -> None:
        """A short sound over an answer has ended: find out whether it was a turn."""
        core, guess = self._core, self._guess
        if guess is None:
            asked = self._guess = Guess(0, voiced_ms=stopped.voiced_ms, stopped=stopped)
            asked.job = core.begin(self._recognise(stopped.audio, False), lambda result: self._guessed(asked, result))
        elif guess.recognition is None:
            guess.stopped = stopped
            core.emit(Promote(guess.job))
        elif self._meant(guess):
            self._stopped(stopped)
        else:
            self._held = None
            self._drop_guess()

    def _meant(self, guess: Guess) -> bool:
        """Whether what was said over an answer asks for the turn."""
        text = guess.recognition.text if guess.recognition is not None else ""
        unclear = guess.failed or (not text and guess.voiced_ms > WORDLESS_MS)
        return unclear or not is_backchannel(text, self._over)

    def _recognise(self, audio: Int16, guess: bool) -> Any:
        settings = self._core.config.audio.input.transcription
        language = ((settings.language if settings else None) or "en").partition("-")[0].lower()
        prompt = (settings.prompt if settings else None) or ""
        rate = self.ear.rate
        return lambda job: Recognise(job, audio, rate, language, prompt, guess)

    # --- guessing --------------------------------------------------------------------------------------------------

    def _begin_guess(self, audio: Int16, voiced_ms: int, *, early: bool = False) -> None:
        core = self._core
        if self._guesses >= MAX_GUESSES or voiced_ms > MAX_GUESS_MS or not core.settings.may_guess():
            return
        self._drop_guess()
        self._guesses += 1
        guess = Guess(0, voiced_ms=voiced_ms, early=early)
        guess.job = core.begin(self._recognise(audio, True), lambda result: self._guessed(guess, result))
        self._guess = guess

    def _guessed(self, guess: Guess, result: object) -> None:
        core = self._core
        guess.job = 0
        guess.recognition = result if isinstance(result, Recognition) else Recognition("")
        guess.failed = not isinstance(result, Recognition)
        if guess.entry is not None:
            self._words(guess.entry, guess.recognition, guess.voiced_ms, failed=guess.failed)
            return
        if guess.stopped is not None:
            stopped, guess.stopped = guess.stopped, None
            self._judge(stopped)
            return
        if self._held is not None:
            if guess.failed or not self._meant(guess):
                return  # what failed is asked for again at the end of the sound
            self._take_turn(self._held)
        if guess.early:
            return
        detection = core.config.audio.input.turn_detection
        text = guess.recognition.text
        if isinstance(detection, SemanticVad) and looks_unfinished(text):
            self.ear.wait_longer(_SEMANTIC_WAIT[detection.eagerness])
            return
        # Thinking ahead makes sense only while nothing else is being said.
        if text and detection is not None and detection.create_response and core.response is None:
            guess.answer = core.answer(guess=True)
            guess.answer.think(core.prompt(Said("user", text)))

    def _drop_guess(self) -> None:
        guess, self._guess = self._guess, None
        if guess is None:
            return
        if guess.job and guess.entry is None:
            self._core.forget(guess.job)
            self._core.emit(Drop(guess.job))
        if guess.answer is not None:
            guess.answer.drop()

    # --- committing ------------------------------------------------------------------------------------------------

    def commit(self, event_id: str | None) -> None:
        """The client says that the turn is over. Raises `ClientError`."""
        if self.ear.buffered_ms < _MIN_COMMIT_MS:
            message = f"Error committing input audio buffer: buffer too small. Expected at least {_MIN_COMMIT_MS}ms."
            raise ClientError(message, code="input_audio_buffer_commit_empty", event_id=event_id)
        self._settle()
        self._drop_guess()
        if self._held is not None:
            self._take_turn(self._held)
        elif not self.ear.speaking:
            self._item_id = self._core.new_id("item")
        self._commit(self.ear.commit(), by_client=True)

    def clear(self) -> None:
        """Forget what was heard and not committed."""
        self.ear.clear()
        self._held = None
        self._drop_guess()
        self._core.send("input_audio_buffer.cleared")

    def _commit(self, stopped: Stopped, *, by_client: bool = False) -> None:
        core = self._core
        public = {"id": self._item_id, "object": "realtime.item", "type": "message", "status": "completed"}
        entry = Entry(
            self._item_id, "user", public | {"role": "user", "content": [{"type": "input_audio"}]}, pending=True
        )
        entry.audio_ms = stopped.audio.size * 1000 // self.ear.rate
        self._add(entry)
        guess, self._guess = self._guess, None
        if guess is not None and guess.recognition is not None:
            self._words(entry, guess.recognition, stopped.voiced_ms, guess=guess, failed=guess.failed)
        elif guess is not None:
            guess.entry, guess.voiced_ms = entry, stopped.voiced_ms
            core.emit(Promote(guess.job))
        else:
            self.recognise_entry(entry, stopped.audio, stopped.voiced_ms, answer=not by_client)

    def _add(self, entry: Entry) -> None:
        core = self._core
        before = core.conversation.add(entry)
        core.send("input_audio_buffer.committed", previous_item_id=before, item_id=entry.id)
        core.send("conversation.item.added", previous_item_id=before, item=entry.public)
        core.send("conversation.item.done", previous_item_id=before, item=entry.public)

    def recognise_entry(self, entry: Entry, audio: Int16, voiced_ms: int, *, answer: bool) -> None:
        """Find the words of an item; `answer` then responds to them where the session says so."""

        def done(result: object) -> None:
            known = result if isinstance(result, Recognition) else Recognition("")
            self._words(entry, known, voiced_ms, failed=not isinstance(result, Recognition), answer=answer)

        self._core.begin(self._recognise(audio, False), done)

    def _words(
        self,
        entry: Entry,
        recognition: Recognition,
        voiced_ms: int,
        *,
        guess: Guess | None = None,
        failed: bool = False,
        answer: bool = True,
    ) -> None:
        core = self._core
        entry.text, entry.pending = recognition.text, False
        for part in entry.public["content"]:
            if part["type"] == "input_audio":
                part["transcript"] = recognition.text
        self._transcribed(entry, recognition, failed)
        core.words_known()
        detection = core.config.audio.input.turn_detection
        prepared = guess.answer if guess is not None else None
        nothing_to_answer = not recognition.text and not failed and voiced_ms < CLICK_MS and not self._disturbed
        if not answer or detection is None or not detection.create_response or nothing_to_answer:
            if prepared is not None:
                prepared.drop()
            return
        if core.response is not None:
            if prepared is not None:
                prepared.drop()
            core.after_response(lambda: core.respond(core.answer(guess=False), core.prompt))
            return
        if prepared is not None and prepared.prompt == core.prompt() and prepared.voice == core.voice():
            core.respond(prepared, None)
            return
        if prepared is not None:
            prepared.drop()
        core.respond(core.answer(guess=False), core.prompt)

    def _transcribed(self, entry: Entry, recognition: Recognition, failed: bool) -> None:
        core = self._core
        if core.config.audio.input.transcription is None:
            return
        prefix = "conversation.item.input_audio_transcription"
        where = {"item_id": entry.id, "content_index": 0}
        if failed:
            error = {"type": "transcription_error", "code": "audio_unintelligible", "message": "Recognition failed."}
            core.send(f"{prefix}.failed", **where, error=error)
            return
        if recognition.text:
            core.send(f"{prefix}.delta", **where, delta=recognition.text)
        usage = {"type": "duration", "seconds": round((entry.audio_ms or 0) / 1000, 2)}
        core.send(f"{prefix}.completed", **where, transcript=recognition.text, usage=usage)

    # --- silence ---------------------------------------------------------------------------------------------------

    def idle(self) -> None:
        """The caller has said nothing for the session's time-out: an empty turn is answered."""
        core = self._core
        core.idle_at = None
        if self.ear.speaking or core.response is not None:
            return
        detection = core.config.audio.input.turn_detection
        ms = getattr(detection, "idle_timeout_ms", None) or 0
        self._item_id = core.new_id("item")
        end = self.ear.total_ms
        start = max(0, end - ms)
        core.send("input_audio_buffer.timeout_triggered", audio_start_ms=start, audio_end_ms=end, item_id=self._item_id)
        public = {"id": self._item_id, "object": "realtime.item", "type": "message", "status": "completed"}
        entry = Entry(self._item_id, "user", public | {"role": "user", "content": [{"type": "input_audio"}]})
        entry.audio_ms = end - start
        self._add(entry)
        core.respond(core.answer(guess=False), lambda: core.prompt(idle=True))
