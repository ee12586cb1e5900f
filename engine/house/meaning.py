"""What a caller wants, by nearest example.

e5's cosines are compressed (unrelated sentences score 0.8), so they are centred first: the mean of general telephone
sentences is taken off every vector. What decides is the ranking between a tool's examples and those of everything
else, not a threshold on the score alone.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from dataclasses import dataclass

import numpy as np

from engine.house.tools import Tool
from engine.house.values import message_in
from engine.parts.protocols import Embedder, Float32

#: Questions to a business that no tool but the "any other question" one should take.
OTHER = (
    "How much does it cost?",
    "What is the price of a consultation?",
    "Do you accept insurance?",
    "Can I pay by card?",
    "Where are you located?",
    "What is your address?",
    "Is there parking nearby?",
    "Do you offer this service?",
    "What services do you have?",
    "Who will I be seeing?",
    "How long does it take?",
    "Do I need to bring anything?",
    "What is your cancellation policy?",
    "Are pets allowed?",
    "Is it safe for children?",
    "What should I do if it hurts?",
    "Do you have a website?",
    "Can you recommend something?",
    "Does it work on weekends?",
    "Which products do you sell?",
    "How do I get there by bus?",
    "Do you treat emergencies?",
    "What is the weather like?",
    "Who is the president?",
    "Tell me about your company.",
    "I have a question about my bill.",
    "My order has not arrived.",
    "What time is my appointment?",
    "Do you have a free slot tomorrow?",
    "Can I book an appointment for next week?",
    "Is the doctor in today?",
    "I have a problem and need advice.",
)

# What telephone sentences have in common; with `OTHER` the origin that vectors are measured from.
_GENERAL = (
    "Hello, is anybody there?",
    "I would like to make an appointment.",
    "Can I speak to someone?",
    "Please call me back.",
    "My name is John.",
    "Thank you very much.",
    "I am calling about my account.",
    "When are you open?",
    "I want to cancel.",
    "Could you help me please?",
    "I would like to leave a message.",
    "Goodbye.",
    "Yes, please.",
    "No, thank you.",
    "It is about tomorrow.",
    "Can you repeat that?",
)

#: A tool's example this near is meant, whatever else is near (found on the table in the tests).
_SURE = 0.62
#: Below this nothing is meant.
_LEAST = 0.34
_WORD_WEIGHT = 0.25
#: For a tool that passes words on, when the caller gives words to pass on ("tell her that …").
_MESSAGE_BONUS = 0.3

_STOP_WORDS = """
a an the i you we they he she it is are am was were be been do does did can could will would should may might to of for
on in at by with from and or but so that this these those my your our their me us them what when where who how which
why please like want need have has had there any some about just tell know
"""
_STOP = frozenset(_STOP_WORDS.split())


def _stem(word: str) -> str:
    for ending in ("ings", "ing", "ed", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


def content_words(text: str) -> frozenset[str]:
    """Stems of the words that carry meaning."""
    return frozenset(_stem(word) for word in re.findall(r"[a-z0-9]+", text.lower()) if word not in _STOP)


def _takes_messages(tool: Tool) -> bool:
    return any(param.kind == "text" and "message" in param.name.lower() for param in tool.params)


@dataclass(frozen=True, slots=True)
class _Examples:
    labels: tuple[int, ...]
    vectors: Float32
    words: tuple[frozenset[str], ...]


class Matcher:
    """Ranks tools for an utterance; the vectors of a session's examples are kept."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._origin: Float32 | None = None
        self._known: OrderedDict[tuple[Tool, ...], _Examples] = OrderedDict()
        # Of single examples: tools of one session are compared in several selections, and businesses share most texts.
        self._vectors: OrderedDict[str, Float32] = OrderedDict()

    def warm_up(self) -> None:
        """Embed the built-in sentences."""
        vectors = self._embedder.embed([*OTHER, *_GENERAL], "query")
        self._origin = vectors.mean(axis=0)
        centred = vectors[: len(OTHER)] - self._origin
        lengths = np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-6)
        self._vectors.update(zip(OTHER, np.asarray(centred / lengths, dtype=np.float32), strict=True))

    def prepare(self, tools: tuple[Tool, ...]) -> None:
        """Embed a session's examples."""
        self._examples(tools)

    def _centred(self, texts: list[str]) -> Float32:
        if self._origin is None:
            self.warm_up()
        assert self._origin is not None
        vectors = self._embedder.embed(texts, "query") - self._origin
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.asarray(vectors / np.maximum(norms, 1e-6), dtype=np.float32)

    def _kept(self, texts: list[str]) -> Float32:
        """Vectors of examples, each embedded once."""
        fresh = list(dict.fromkeys(text for text in texts if text not in self._vectors))
        if fresh:
            self._vectors.update(zip(fresh, self._centred(fresh), strict=True))
        vectors = np.stack([self._vectors[text] for text in texts])
        while len(self._vectors) > 4096:
            self._vectors.popitem(last=False)
        return vectors

    def _examples(self, tools: tuple[Tool, ...]) -> _Examples:
        known = self._known.get(tools)
        if known is None:
            pairs = [(index, text) for index, tool in enumerate(tools) for text in tool.examples]
            pairs += [(-1, text) for text in OTHER]
            texts = [text for _, text in pairs]
            words = tuple(content_words(text) for text in texts)
            known = _Examples(tuple(label for label, _ in pairs), self._kept(texts), words)
            self._known[tools] = known
            if len(self._known) > 256:
                self._known.popitem(last=False)
        return known

    def scores(self, text: str, tools: tuple[Tool, ...]) -> tuple[list[float], float]:
        """Best score of each tool, and of everything else."""
        examples = self._examples(tools)
        words = content_words(text)
        cosine = examples.vectors @ self._centred([text])[0]
        best, other = [-1.0] * len(tools), -1.0
        for index, label in enumerate(examples.labels):
            either = words | examples.words[index]
            shared = len(words & examples.words[index]) / len(either) if either else 0.0
            score = float(cosine[index]) + _WORD_WEIGHT * shared
            if label < 0:
                other = max(other, score)
            else:
                best[label] = max(best[label], score)
        return best, other

    def stands_in(self, text: str, tool: Tool) -> bool:
        """Whether `text` is nearest to what `tool` only stands in for."""
        if not tool.stands_in:
            return False
        vectors = self._examples((tool,)).vectors[: len(tool.examples)]
        return tool.examples[int(np.argmax(vectors @ self._centred([text])[0]))] in tool.stands_in

    def choose(self, text: str, tools: tuple[Tool, ...]) -> Tool | None:
        """The tool that is meant; the "any other question" tool where none is; None without such a tool."""
        rest = next((tool for tool in tools if tool.other), None)
        named = tuple(tool for tool in tools if tool.examples)
        if not named:
            return rest
        best, other = self.scores(text, named)
        if message_in(text):
            best = [score + _MESSAGE_BONUS * _takes_messages(tool) for score, tool in zip(best, named, strict=True)]
        top = max(range(len(named)), key=lambda index: best[index])
        if named[top].other or best[top] < _LEAST:
            return rest
        if best[top] >= _SURE or best[top] >= other or rest is None and best[top] >= other - 0.05:
            return named[top]
        return rest
