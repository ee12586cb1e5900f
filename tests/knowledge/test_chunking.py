"""How documents are cut."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.chunking import (
    MAX_CHARS,
    Piece,
    plain,
    split_faq,
    split_markdown,
    split_sentences,
    split_text,
)


def test_markdown_is_cut_at_headings_and_keeps_their_path() -> None:
    text = "# Guide\nHello.\n\n## Before\n### Food\nEat nothing.\n## After\nRest.\n"
    assert split_markdown(text, "Guide") == [
        Piece("", "Hello."),
        Piece("Before: Food", "Eat nothing."),
        Piece("After", "Rest."),
    ]


def test_a_heading_inside_a_code_fence_is_text() -> None:
    [piece] = split_markdown("## Setup\n```\n# not a heading\n```\n")
    assert piece == Piece("Setup", "# not a heading")


def test_markdown_marks_are_not_read_aloud() -> None:
    assert plain("- **Bold** and [our site](https://x.example)\n- `code`") == "Bold and our site. code."


def test_titles_and_initials_do_not_end_a_sentence() -> None:
    assert split_sentences("Dr. Patel is in. Ask J. Smith. Done!") == ["Dr. Patel is in.", "Ask J. Smith.", "Done!"]


def test_short_paragraphs_are_joined_and_long_ones_stay_apart() -> None:
    long = "This paragraph is long. " * 12
    assert [p.text for p in split_text(f"One.\n\nTwo.\n\n{long}\n\nThree.")] == [
        f"One. Two. {long.strip()}",
        "Three.",
    ]


def test_a_long_text_is_cut_between_sentences_with_one_sentence_of_overlap() -> None:
    sentences = [f"Sentence number {i} says something of its own." for i in range(60)]
    pieces = [p.text for p in split_text(" ".join(sentences))]
    assert len(pieces) > 2
    for before, after in zip(pieces, pieces[1:], strict=False):
        assert split_sentences(before)[-1] == split_sentences(after)[0]


def test_incomplete_pairs_are_left_out() -> None:
    assert split_faq([("Q?", " A. "), ("", "x"), ("Q2?", " ")]) == [Piece("Q?", "A.")]


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet=st.sampled_from("abc .!?\n#-*`x"), max_size=4000))
def test_nothing_is_lost_and_no_piece_is_too_long(text: str) -> None:
    pieces = split_text(text)
    assert all(0 < len(piece.text) <= MAX_CHARS for piece in pieces)
    letters = {word for word in text.split() if len(word) <= MAX_CHARS}
    assert letters <= set(" ".join(piece.text for piece in pieces).split())
    assert all(0 < len(piece.text) <= MAX_CHARS for piece in split_markdown(text))


def test_the_digest_names_the_content() -> None:
    assert Piece("a", "b").digest() == Piece("a", "b").digest() != Piece("ab", "").digest()
