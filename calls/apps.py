"""Application set-up: what `calls` hangs into other rooms."""

from __future__ import annotations

from django.apps import AppConfig


class CallsConfig(AppConfig):
    """What happened on the line."""

    name = "calls"

    def ready(self) -> None:
        """Register the carrier set-up of new numbers and the follow-ups of this room."""
        from calls.followups import register_follow_up
        from calls.services import numbers, recordings
        from tenants.numbers import register_number_setup, register_number_source

        register_number_setup(numbers.announce_number)
        register_number_source(numbers.made_up_number)
        register_follow_up("fetch_recording", recordings.fetch_recording, give_up=recordings.give_up_fetching)
        register_follow_up("remove_plain_recording", recordings.remove_plain_recording)
        register_follow_up("announce_number", numbers.announce_again)
        register_follow_up(
            "transcribe_voicemail", recordings.transcribe_voicemail, give_up=recordings.give_up_transcribing
        )
