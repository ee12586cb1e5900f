"""What the carrier reads from its environment."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from common.audio import FRAME_MS
from common.env import env_secret, env_str, var_dir


@dataclass(frozen=True, slots=True)
class Settings:
    """One account, where its data lies, and where `<Say>` gets its voice.

    `public_url` is how applications reach this process (recording URLs begin with it). `speech_url` is the base of an
    OpenAI-compatible server, ``/v1`` included; `speech_format` is what to ask it for: ``pcmu`` where it is our engine,
    ``wav`` elsewhere. Times are seconds.
    """

    account_sid: str
    auth_token: str
    public_url: str
    data_dir: Path
    speech_url: str
    speech_key: str
    speech_format: str = "pcmu"
    speech_model: str = "gpt-4o-mini-tts"
    speech_voice: str = "marin"
    speech_timeout: float = 15.0
    #: The API key that signs browsers' access tokens, and the application they call; without them no browser phones.
    api_key_sid: str = ""
    api_key_secret: str = ""
    application_sid: str = ""
    webhook_timeout: float = 15.0
    #: Pauses before a notification is sent again.
    notify_pauses: tuple[float, ...] = (0.5, 2.0, 5.0, 15.0)
    #: Twilio ends a call after four hours.
    max_call_seconds: int = 4 * 3600
    #: Time between two frames of a line. Tests that wait for no clock but the line's own let it run faster.
    tick_seconds: float = FRAME_MS / 1000


def from_env(public_url: str) -> Settings:
    """Settings of a process reached at `public_url` unless ``CARRIER_URL`` says otherwise.

    Raises `ImproperlyConfigured` without the account's SID and token.
    """
    base, key = env_str("OPENAI_BASE_URL"), env_secret("OPENAI_API_KEY", "")
    ours = not base and not key
    if ours:
        base = env_str("ENGINE_URL", "http://127.0.0.1:8002") + "/v1"
        key = env_secret("ENGINE_API_KEY", "none")
    return Settings(
        account_sid=env_secret("TWILIO_ACCOUNT_SID"),
        auth_token=env_secret("TWILIO_AUTH_TOKEN"),
        public_url=env_str("CARRIER_URL", public_url).rstrip("/"),
        data_dir=var_dir() / "carrier",
        speech_url=(base or "https://api.openai.com/v1").rstrip("/"),
        speech_key=key,
        speech_format="pcmu" if ours else "wav",
        speech_model=env_str("SPEECH_MODEL", "gpt-4o-mini-tts"),
        speech_voice=env_str("SPEECH_VOICE", "marin"),
        api_key_sid=env_str("TWILIO_API_KEY_SID"),
        api_key_secret=env_secret("TWILIO_API_KEY_SECRET", ""),
        application_sid=env_str("TWILIO_TWIML_APP_SID"),
    )
