"""Forms of the receptionist pages. They speak of times of day and prices, and give what the services take."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, time
from typing import Any, cast

from django import forms

from common.forms import SeenMixin, one_line
from receptionist import hours
from receptionist.profile import DAYS, MAX_IDLE_PROMPTS, MAX_LINE_CHARS, HolidayIn, HoursIn, ServiceIn
from receptionist.voices import Voice

MAX_GUIDANCE = 20
MAX_GUIDANCE_CHARS = 500
#: Stretches a day offered at least; a day that has more gets one more.
_LEAST_SLOTS = 2
MAX_SLOTS = 12


class PersonaForm(SeenMixin, forms.Form):
    """What callers hear first and last, in which voice, and what the receptionist keeps in mind."""

    greeting = forms.CharField(
        label="Greeting",
        max_length=600,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="The first words of every call. Say the name of the business, and that an AI receptionist answers.",
    )
    voice = forms.ChoiceField(label="Voice", widget=forms.RadioSelect, required=False)
    goodbye = forms.CharField(
        label="Goodbye",
        max_length=MAX_LINE_CHARS,
        widget=forms.Textarea(attrs={"rows": 1, "class": "short"}),
        help_text="The last words of a call that ends well.",
    )
    idle_prompts = forms.CharField(
        label="When a caller falls silent",
        max_length=MAX_IDLE_PROMPTS * (MAX_LINE_CHARS + 2),
        widget=forms.Textarea(attrs={"rows": 2, "class": "short"}),
        help_text=f"One sentence a line, up to {MAX_IDLE_PROMPTS}, asked one after the other. Who still says nothing "
        "hears the goodbye.",
    )
    guidance = forms.CharField(
        label="What it keeps in mind",
        required=False,
        widget=forms.Textarea(attrs={"rows": 4, "placeholder": "Call patients by their last name."}),
        help_text="One sentence a line, in your own words. Facts and prices belong into Knowledge.",
    )

    def __init__(self, *args: Any, voices: list[Voice], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["voice"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(voice.name, voice.label) for voice in voices]

    def clean_idle_prompts(self) -> list[str]:
        """The questions."""
        return _sentences(self.cleaned_data["idle_prompts"], MAX_IDLE_PROMPTS, MAX_LINE_CHARS, "asked")

    def clean_guidance(self) -> list[str]:
        """The sentences."""
        return _sentences(self.cleaned_data["guidance"], MAX_GUIDANCE, MAX_GUIDANCE_CHARS, "kept in mind")


def _sentences(text: str, most: int, longest: int, used: str) -> list[str]:
    """The lines of `text` that hold something. Raises `ValidationError`."""
    lines = [" ".join(line.split()) for line in text.splitlines()]
    found = [line for line in lines if line]
    if len(found) > most:
        raise forms.ValidationError(f"There are {len(found)} sentences; up to {most} are {used}.")
    if any(len(line) > longest for line in found):
        raise forms.ValidationError(f"A sentence may have up to {longest} characters.")
    return found


def _field(label: str) -> forms.TimeField:
    widget = forms.TimeInput(format="%H:%M", attrs={"type": "time", "aria-label": label})
    return forms.TimeField(
        required=False, label=label, widget=widget, error_messages={"invalid": "Times are written like 09:00."}
    )


def _clock(minutes: int) -> time:
    minutes %= hours.DAY_MINUTES
    return time(minutes // 60, minutes % 60)


def interval(opens: time | None, closes: time | None) -> hours.Interval | None:
    """Minutes of a stretch; as `hours.stretch` takes them. None where nothing is given."""
    if opens is None and closes is None:
        return None
    if opens is None or closes is None:
        raise forms.ValidationError("An opening and a closing time belong together.")
    try:
        return hours.stretch(opens.hour * 60 + opens.minute, closes.hour * 60 + closes.minute)
    except ValueError:
        raise forms.ValidationError(
            "Opening and closing are the same. For the whole day write midnight to midnight: 00:00 to 00:00."
        ) from None


class HoursForm(SeenMixin, forms.Form):
    """The regular week: a few stretches a day, each an opening and a closing time; a day without any is closed."""

    def __init__(self, *args: Any, weekly: dict[int, list[hours.Interval]], **kwargs: Any) -> None:
        super().__init__(*args, stored=weekly, **kwargs)
        self._slots: dict[int, int] = {}
        for number, day in enumerate(DAYS):
            kept = weekly.get(number, [])
            sent = sum(f"{day}-{slot}-opens" in self.data for slot in range(MAX_SLOTS))
            self._slots[number] = min(MAX_SLOTS, max(_LEAST_SLOTS, len(kept) + 1, sent))
            for slot in range(self._slots[number]):
                for end, at in (("opens", 0), ("closes", 1)):
                    name = f"{day}-{slot}-{end}"
                    nth = f", {slot + 1}" if slot else ""
                    self.fields[name] = _field(f"{hours.WEEKDAYS[number]} {end}{nth}")
                    if slot < len(kept):
                        self.initial.setdefault(name, _clock(kept[slot][at]))

    def days(self) -> Iterator[dict[str, Any]]:
        """For the page: each weekday with its pairs of fields and what is wrong with it."""
        for number, day in enumerate(DAYS):
            pairs = [(self[f"{day}-{s}-opens"], self[f"{day}-{s}-closes"]) for s in range(self._slots[number])]
            errors = [error for pair in pairs for field in pair for error in field.errors]
            empty = not any(field.value() for pair in pairs for field in pair)
            yield {"name": hours.WEEKDAYS[number], "key": day, "pairs": pairs, "errors": errors, "closed": empty}

    def clean(self) -> dict[str, Any]:
        """Intervals of each day."""
        data = super().clean() or self.cleaned_data
        week: dict[str, list[hours.Interval]] = {}
        for number, day in enumerate(DAYS):
            week[day] = []
            for slot in range(self._slots[number]):
                names = f"{day}-{slot}-opens", f"{day}-{slot}-closes"
                if any(name in self.errors for name in names):
                    continue
                try:
                    found = interval(data.get(names[0]), data.get(names[1]))
                except forms.ValidationError as error:
                    self.add_error(names[0], error)
                    continue
                if found:
                    week[day].append(found)
            if hours.overlap(week[day]):
                self.add_error(f"{day}-0-opens", "Two of these times overlap.")
        self.week = week
        return data

    def parsed(self, *, monday_for_all: bool = False) -> HoursIn:
        """As the services take them; `monday_for_all` gives Tuesday to Friday the hours of Monday."""
        week = {day: self.week["mon"] if monday_for_all and 0 < i < 5 else self.week[day] for i, day in enumerate(DAYS)}
        return HoursIn.model_validate(week)


class HolidayForm(forms.Form):
    """A day that is unlike others: closed, or with hours of its own."""

    date = forms.DateField(label="Day", widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}))
    name = forms.CharField(
        label="Name",
        max_length=80,
        required=False,
        validators=[one_line],
        widget=forms.TextInput(attrs={"placeholder": "Christmas Eve"}),
    )
    yearly = forms.BooleanField(label="Every year", required=False, initial=True)
    opens = _field("Open from")
    closes = _field("To")

    def clean(self) -> dict[str, Any]:
        """The stretch, if the business opens at all on that day."""
        data = super().clean() or self.cleaned_data
        if "opens" not in self.errors and "closes" not in self.errors:
            try:
                self.open = interval(data.get("opens"), data.get("closes"))
            except forms.ValidationError as error:
                self.add_error("opens", error)
        return data

    def parsed(self) -> HolidayIn:
        """As the services take it."""
        on: date = self.cleaned_data["date"]
        written = f"{on:%m-%d}" if self.cleaned_data["yearly"] else on.isoformat()
        return HolidayIn(date=written, name=self.cleaned_data["name"], open=[self.open] if self.open else [])


class ServiceForm(forms.Form):
    """One line of the price list."""

    name = forms.CharField(
        label="Service",
        max_length=120,
        required=False,
        validators=[one_line],
        widget=forms.TextInput(attrs={"placeholder": "Service"}),
    )
    price = forms.DecimalField(
        label="Price",
        required=False,
        min_value=0,
        max_value=1_000_000,
        decimal_places=2,
        widget=forms.NumberInput(attrs={"step": "0.01", "inputmode": "decimal"}),
        error_messages={
            "invalid": "A price is a number, like 95.50.",
            "min_value": "A price is 0 or more.",
            "max_value": "A price is up to 1,000,000.",
            "max_decimal_places": "A price has up to two decimals.",
        },
    )
    minutes = forms.IntegerField(
        label="Minutes",
        required=False,
        min_value=1,
        max_value=10_000,
        error_messages={
            "invalid": "Minutes are a whole number.",
            "min_value": "A minute or more.",
            "max_value": "Up to 10,000 minutes.",
        },
    )

    def clean(self) -> dict[str, Any]:
        """A price belongs to a service."""
        data = super().clean() or self.cleaned_data
        if not data.get("name") and (data.get("price") is not None or data.get("minutes")):
            self.add_error("name", "Say which service this is.")
        return data


class ServicesFormSet(SeenMixin, forms.BaseFormSet):  # type: ignore[type-arg]  # not subscriptable when it runs
    """The whole price list."""

    def add_fields(self, form: forms.Form, index: int | None) -> None:
        """The fields stand in a table: each is named for its line."""
        super().add_fields(form, index)
        for name, field in form.fields.items():
            label = "Remove" if name == "DELETE" else field.label
            field.widget.attrs["aria-label"] = f"{label}, line {(index or 0) + 1}"

    def clean(self) -> None:
        """No service twice."""
        super().clean()
        names: set[str] = set()
        for form in self.forms:
            name = str(form.cleaned_data.get("name") or "").casefold() if not form.errors else ""
            if name and not form.cleaned_data.get("DELETE") and name in names:
                form.add_error("name", "This service is named twice.")
            names.add(name)

    def parsed(self) -> list[ServiceIn]:
        """As the services take them, without rows that are empty or ticked to go."""
        rows = [form.cleaned_data for form in self.forms]
        return [
            ServiceIn(name=row["name"], price=row["price"], minutes=row["minutes"])
            for row in rows
            if row.get("name") and not row.get("DELETE")
        ]


MAX_SERVICES = 500
ServicesForm = cast(
    type[ServicesFormSet],
    forms.formset_factory(
        ServiceForm,
        formset=ServicesFormSet,
        extra=3,
        can_delete=True,
        max_num=MAX_SERVICES,
        absolute_max=MAX_SERVICES + 3,
    ),
)
