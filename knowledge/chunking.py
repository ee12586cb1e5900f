"""Cut what a business wrote into pieces that answer one question each. Pure.

Markdown is cut at its headings, plain text at its paragraphs, a FAQ into one piece a pair, a price list into one
piece a service. A piece that is too long is cut at sentences, with the last sentence repeated in the next piece.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

#: Longest piece in characters: about what is spoken in 45 s, and well inside the 512 tokens an e5 model reads.
MAX_CHARS = 700
#: A paragraph shorter than this is joined with the next one of its section.
MIN_CHARS = 200
#: How much of a piece's end the next piece may repeat, at most.
OVERLAP_CHARS = 160

_HEADING = re.compile(r"^(#{1,6})\s+(.+?)\s*#*\s*$")
_FENCE = re.compile(r"^\s*(```|~~~)")
_SENTENCE = re.compile(r"(?<=[.!?…。！？])\s+(?=\S)")
_BULLET = re.compile(r"^\s*(?:[-*+]|\d{1,3}[.)])\s+", re.M)
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_MARKS = re.compile(r"(\*\*|__|`+|~~)")
_ABBREVIATION = re.compile(r"(?:\b(?:Dr|Mr|Mrs|Ms|St|No|Prof|Jr|Sr|Inc|approx|e\.g|i\.e)|\b[A-Z])\.$")


@dataclass(frozen=True, slots=True)
class Piece:
    """One retrievable piece.

    `heading` is what it is about (the question of a FAQ, the path of Markdown headings); `text` is the answer.
    """

    heading: str
    text: str

    def digest(self) -> str:
        """Stable name of the content: the same piece keeps its vector when its document is indexed again."""
        return hashlib.sha256(f"{self.heading}\x00{self.text}".encode()).hexdigest()

    def passage(self) -> str:
        """What is embedded: heading and text together."""
        return f"{self.heading}\n{self.text}" if self.heading else self.text


def split_sentences(text: str) -> list[str]:
    """Sentences of `text`; titles such as ``Dr.`` and initials don't end one."""
    sentences: list[str] = []
    for part in _SENTENCE.split(text.strip()):
        if sentences and _ABBREVIATION.search(sentences[-1]):
            sentences[-1] = f"{sentences[-1]} {part}"
        elif part:
            sentences.append(part)
    return sentences


def plain(markdown: str) -> str:
    """Markdown as it would be read aloud: no marks, links as their words, list items as sentences."""
    text = _LINK.sub(r"\1", markdown)
    text = _MARKS.sub("", text)
    lines = []
    for line in text.splitlines():
        bullet = _BULLET.match(line)
        line = _BULLET.sub("", line).strip()
        if bullet and line and line[-1] not in ".!?:;,":
            line += "."
        if line and not re.fullmatch(r"[-=|:\s*_]+", line):
            lines.append(line.strip("| ").replace(" | ", ", "))
    return " ".join(lines)


def _hard_cut(sentence: str) -> list[str]:
    """A "sentence" longer than a piece, cut at blanks (or anywhere, where there are none)."""
    parts = []
    while len(sentence) > MAX_CHARS:
        cut = sentence.rfind(" ", MAX_CHARS // 2, MAX_CHARS)
        cut = cut if cut > 0 else MAX_CHARS
        parts.append(sentence[:cut].strip())
        sentence = sentence[cut:].strip()
    return [*parts, sentence] if sentence else parts


def _pack(text: str) -> list[str]:
    """`text` in pieces of at most `MAX_CHARS`, cut between sentences, with a sentence of overlap."""
    if len(text) <= MAX_CHARS:
        return [text] if text else []
    sentences = [part for sentence in split_sentences(text) for part in _hard_cut(sentence)]
    packed: list[str] = []
    current: list[str] = []
    size = 0
    for sentence in sentences:
        if current and size + len(sentence) > MAX_CHARS:
            packed.append(" ".join(current))
            last = current[-1]
            repeat = len(last) <= OVERLAP_CHARS and len(last) + len(sentence) < MAX_CHARS
            current = [last] if repeat else []
            size = len(last) + 1 if repeat else 0
        current.append(sentence)
        size += len(sentence) + 1
    packed.append(" ".join(current))
    return packed


def split_text(text: str, heading: str = "") -> list[Piece]:
    """Pieces of plain text: paragraphs, short ones joined, long ones cut at sentences."""
    pieces: list[str] = []
    for paragraph in re.split(r"\n\s*\n", text.replace("\r\n", "\n").strip()):
        flat = " ".join(paragraph.split())
        if not flat:
            continue
        joined = pieces and len(pieces[-1]) < MIN_CHARS and len(pieces[-1]) + len(flat) < MAX_CHARS
        if joined:
            pieces[-1] = f"{pieces[-1]} {flat}"
        else:
            pieces.append(flat)
    return [Piece(heading, part) for piece in pieces for part in _pack(piece)]


def split_markdown(text: str, title: str = "") -> list[Piece]:
    """Pieces of Markdown: one or more a section, each under the path of its headings.

    A first heading that repeats the document's title is left out of the path.
    """
    pieces: list[Piece] = []
    path: list[tuple[int, str]] = []
    body: list[str] = []
    fenced = False

    def flush() -> None:
        names = [name for _, name in path if name.casefold() != title.casefold()]
        heading = ": ".join(names)
        section = "\n".join(body).strip()
        body.clear()
        if section:
            paragraphs = [plain(part) for part in re.split(r"\n\s*\n", section)]
            pieces.extend(split_text("\n\n".join(paragraphs), heading))

    for line in text.replace("\r\n", "\n").splitlines():
        if _FENCE.match(line):
            fenced = not fenced
            continue
        match = None if fenced else _HEADING.match(line)
        if match is None:
            body.append(line)
            continue
        flush()
        level = len(match[1])
        while path and path[-1][0] >= level:
            path.pop()
        path.append((level, plain(match[2])))
    flush()
    return pieces


def split_faq(pairs: list[tuple[str, str]]) -> list[Piece]:
    """One piece a pair of question and answer; incomplete pairs are left out."""
    return [Piece(" ".join(q.split()), " ".join(a.split())) for q, a in pairs if q.strip() and a.strip()]
