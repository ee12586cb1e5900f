"""Forms of the knowledge pages. What cannot be used is said in words, and what was typed stays."""

from __future__ import annotations

import codecs
import re
from pathlib import PurePath
from typing import Any

from django import forms
from django.template.defaultfilters import filesizeformat

from common.forms import SeenMixin, one_line
from knowledge import faq
from knowledge.models import Document, DocumentKind

#: Longest text of one document, pasted or as a file (bytes or characters, whichever is met first).
MAX_BYTES = 1_000_000
SUFFIXES = (".txt", ".md", ".markdown")
_NUL = re.compile("\0")
#: Nearly any bytes are Windows-1252; what isn't text gives itself away by these.
_CONTROLS = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f]")
_SOURCE = "The receptionist says it as the source: “According to our patient guide …”."


def decoded(data: bytes) -> str | None:
    """The text of a file as editors save it: UTF-8, UTF-16 with its mark, or Windows-1252; None where it is none."""
    marked = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    for encoding, refused in (("utf-16", _CONTROLS),) if marked else (("utf-8-sig", _NUL), ("cp1252", _CONTROLS)):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        return None if refused.search(text) else text
    return None


class DocumentForm(SeenMixin, forms.Form):
    """A text, pasted or as a file; `document` is the one that is changed, None for a new one."""

    title = forms.CharField(
        label="Name",
        max_length=110,
        required=False,
        help_text=f"{_SOURCE} Left empty, it is the file’s.",
    )
    text = forms.CharField(
        label="Text",
        required=False,
        strip=False,
        max_length=MAX_BYTES,
        widget=forms.Textarea(attrs={"rows": 14, "class": "tall"}),
        help_text="Plain text or Markdown. A heading above each topic helps to find the right passage.",
    )
    file = forms.FileField(
        label="Or a file",
        required=False,
        help_text="A .txt or .md file of up to 1 MB. It is read once; the text can be changed here later.",
        widget=forms.FileInput(attrs={"accept": ",".join((*SUFFIXES, "text/plain", "text/markdown"))}),
    )

    def __init__(self, *args: Any, document: Document | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.document = document
        if document is not None:
            del self.fields["file"]
            self.fields["title"].help_text = _SOURCE

    def clean_file(self) -> str:
        """The text of the file; empty without one."""
        file: Any = self.cleaned_data["file"]  # an UploadedFile
        if file is None:
            return ""
        if not str(file.name).lower().endswith(SUFFIXES):
            raise forms.ValidationError("This is not a .txt or .md file. Copy its text into the field above instead.")
        if int(file.size) > MAX_BYTES:
            size = filesizeformat(file.size)
            raise forms.ValidationError(f"This file has {size}; up to 1 MB can be read. Split it and add the parts.")
        text = decoded(file.read())
        if text is None:
            raise forms.ValidationError("This file does not hold plain text. Save it as text (UTF-8) and try again.")
        return text

    def clean(self) -> dict[str, Any]:
        """One text and a name that no other document has."""
        data = super().clean() or self.cleaned_data
        pasted, filed = (data.get("text") or "").strip(), (data.get("file") or "").strip()
        if "text" in self.errors or "file" in self.errors:
            return data
        if pasted and filed:
            self.add_error("file", "There is a text and a file. Keep one of them; your text is still above.")
        elif not pasted and not filed:
            self.add_error("text", "Paste a text, or choose a file." if "file" in self.fields else "A text is needed.")
        data["text"] = pasted or filed
        title = (data.get("title") or "").strip() or self._title_of_file()
        if not title:
            self.add_error("title", "Give it a name.")
        try:
            one_line(title)  # the name of a file, too
        except forms.ValidationError as error:
            self.add_error("title", error)
        others = Document.objects.exclude(pk=self.document.pk) if self.document else Document.objects.all()
        if title and others.filter(title__iexact=title).exists():
            self.add_error("title", "There is a document of this name already. Change that one, or take another name.")
        data["title"] = title
        return data

    def _title_of_file(self) -> str:
        file = self.files.get("file")
        return PurePath(str(file.name)).stem.replace("_", " ").strip()[:110] if file else ""

    @property
    def kind(self) -> str:
        """How the text is cut: by its headings where it has some."""
        has_headings = re.search(r"^#{1,6}\s+\S", self.cleaned_data["text"], re.MULTILINE)
        return DocumentKind.MARKDOWN if has_headings else DocumentKind.TEXT


class PairForm(forms.Form):
    """A question and its answer."""

    question = forms.CharField(
        label="Question",
        max_length=faq.MAX_QUESTION_CHARS,
        help_text="As a caller would ask it.",
        widget=forms.TextInput(attrs={"placeholder": "Is there parking?"}),
    )
    answer = forms.CharField(
        label="Answer",
        max_length=faq.MAX_ANSWER_CHARS,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="It is spoken as it is written: one or two short sentences are heard best.",
    )
