"""The items of a conversation: what the protocol shows of them and what the model is given."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from engine.house.dialogue import Called, Returned, Said, Turn
from engine.realtime.frames import (
    AssistantMessage,
    ClientError,
    FunctionCall,
    FunctionCallOutput,
    InputAudio,
    Item,
    OutputText,
    SystemMessage,
    UserMessage,
)

Kind = Literal["user", "assistant", "system", "call", "result"]

MAX_ITEMS = 2000


@dataclass(slots=True)
class Entry:
    """One item. `text` is what the model reads; `public` is the item as the protocol shows it."""

    id: str
    kind: Kind
    public: dict[str, Any]
    text: str = ""
    #: Words are still being recognised.
    pending: bool = False
    #: Length of its sound; None where it has none.
    audio_ms: int | None = None
    #: For a spoken answer: (end in ms, text) of each clause.
    marks: list[tuple[int, str]] = field(default_factory=list)

    def turn(self) -> Turn:
        """The item as the model reads it."""
        if self.kind == "call":
            return Called(self.public["call_id"], self.public["name"], self.public["arguments"])
        if self.kind == "result":
            return Returned(self.public["call_id"], self.text)
        return Said(self.kind, self.text)


def from_client(item: Item, item_id: str) -> tuple[Entry, str | None]:
    """An entry for a client's item, and the base64 audio in it that has to be recognised first."""
    public = item.model_dump(exclude_none=True) | {"id": item_id, "object": "realtime.item", "status": "completed"}
    if isinstance(item, FunctionCall):
        public.setdefault("call_id", f"call_{item_id}"[:32])
        return Entry(item_id, "call", public), None
    if isinstance(item, FunctionCallOutput):
        return Entry(item_id, "result", public, text=item.output), None
    words, audio = [], None
    shown: list[dict[str, Any]] = public["content"]
    for part, plain in zip(item.content, shown, strict=True):
        if isinstance(part, InputAudio):
            plain.pop("audio", None)
            if part.audio and not part.transcript:
                audio = part.audio
            words.append(part.transcript or "")
        elif isinstance(part, OutputText):
            words.append(part.text)
        else:
            plain.pop("audio", None)
            words.append(getattr(part, "text", None) or getattr(part, "transcript", None) or "")
    text = " ".join(word for word in words if word)
    kind: Kind = "user"
    if isinstance(item, AssistantMessage):
        kind = "assistant"
    elif isinstance(item, SystemMessage):
        kind = "system"
    else:
        assert isinstance(item, UserMessage)
    return Entry(item_id, kind, public, text=text, pending=audio is not None), audio


class Conversation:
    """Ordered items with unique ids."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._by_id: dict[str, Entry] = {}

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def last_id(self) -> str | None:
        """Id of the newest item."""
        return self._entries[-1].id if self._entries else None

    def heard(self, unplayed_ms: float) -> str:
        """The newest answer up to the clause that is being played; `unplayed_ms` of all that was sent are not yet."""
        for entry in reversed(self._entries):
            if entry.kind != "assistant":
                continue
            played = (entry.audio_ms or 0) - unplayed_ms
            begins = [0, *(end for end, _ in entry.marks)]
            return " ".join(text for begin, (_, text) in zip(begins, entry.marks, strict=False) if begin <= played)
        return ""

    @property
    def pending(self) -> bool:
        """Whether some words are still being recognised."""
        return any(entry.pending for entry in self._entries)

    def add(self, entry: Entry, after: str | None = None) -> str | None:
        """Insert `entry` (`after`: an id, "root", or None for the end); returns the id before it.

        Raises `ClientError`.
        """
        if entry.id in self._by_id:
            raise ClientError(f"Item '{entry.id}' exists already.", code="item_id_exists", param="item.id")
        if after is None:
            at = len(self._entries)
        elif after == "root":
            at = 0
        else:
            at = self._index(after, "previous_item_id") + 1
        self._entries.insert(at, entry)
        self._by_id[entry.id] = entry
        return self._entries[at - 1].id if at else None

    def behind(self, item_id: str | None) -> str | None:
        """Where `add` puts an entry right behind `item_id` (None: at the beginning), if that is still there."""
        if item_id is None:
            return "root"
        return item_id if item_id in self._by_id else None

    def _index(self, item_id: str, param: str) -> int:
        return self._entries.index(self.get(item_id, param))

    def get(self, item_id: str, param: str = "item_id") -> Entry:
        """The item. Raises `ClientError` where there is none."""
        entry = self._by_id.get(item_id)
        if entry is None:
            raise ClientError(f"Item '{item_id[:64]}' does not exist.", code="item_not_found", param=param)
        return entry

    def delete(self, item_id: str) -> None:
        """Take an item out. Raises `ClientError`."""
        entry = self.get(item_id)
        self._entries.remove(entry)
        del self._by_id[item_id]

    def has_call(self, call_id: str) -> bool:
        """Whether a tool was called under this id."""
        return any(entry.kind == "call" and entry.public["call_id"] == call_id for entry in self._entries)

    def turns(self) -> tuple[Turn, ...]:
        """Everything, as the model reads it."""
        return tuple(entry.turn() for entry in self._entries)

    def tokens(self) -> tuple[int, int]:
        """Text and audio tokens of everything; see `usage`."""
        text = sum(text_tokens(entry.text or entry.public.get("arguments", "")) for entry in self._entries)
        audio = sum(-(-(entry.audio_ms or 0) // 100) for entry in self._entries if entry.kind == "user")
        return text, audio

    def truncate(self, item_id: str, content_index: int, audio_end_ms: int) -> None:
        """Keep of a spoken answer only what was heard; its shown transcript shrinks with it. Raises `ClientError`."""
        entry = self.get(item_id)
        if entry.kind != "assistant" or entry.audio_ms is None or content_index != 0:
            raise ClientError("Only spoken answers can be truncated.", code="invalid_value", param="item_id")
        if audio_end_ms > entry.audio_ms:
            message = f"Audio content of {entry.audio_ms} ms is already shorter than {audio_end_ms} ms."
            raise ClientError(message, code="invalid_value", param="audio_end_ms")
        heard: list[str] = []
        begin = 0
        for end, text in entry.marks:
            words = text.split()
            share = min(1.0, max(0.0, (audio_end_ms - begin) / max(1, end - begin)))
            heard += words[: round(share * len(words))]
            begin = end
        entry.audio_ms = audio_end_ms
        entry.public["content"] = [{"type": "output_audio", "transcript": " ".join(heard)}]
        # `text` stays whole: a caller who interrupts a question usually answers it.


def text_tokens(text: str) -> int:
    """Tokens of a text, four characters each: the engine has no tokenizer of its own to count with."""
    return -(-len(text) // 4)
