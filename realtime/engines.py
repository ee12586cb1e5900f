"""The ladder of engines, from the environment: the address that was named, else OpenAI with a key; ours below."""

from __future__ import annotations

from urllib.parse import quote

from common.env import env_secret, env_str
from realtime.bridge import Rung

OPENAI_REALTIME = "wss://api.openai.com/v1/realtime"
HOUSE_MODEL = "deskbell-house"


def ladder() -> list[Rung]:
    """The engines to try, best first. Ours, `ENGINE_URL`, is always the last one."""
    rungs: list[Rung] = []
    named, key = env_str("OPENAI_REALTIME_URL"), env_secret("OPENAI_API_KEY", "")
    if named or key:
        rungs.append(
            Rung(
                name="named" if named else "openai",
                url=named or OPENAI_REALTIME,
                model=env_str("OPENAI_REALTIME_MODEL", "gpt-realtime-2.1"),
                key=key,
                voice=env_str("OPENAI_REALTIME_VOICE", "marin"),
                transcription_model=env_str("OPENAI_REALTIME_TRANSCRIPTION_MODEL", "gpt-transcribe"),
            )
        )
    house = env_str("ENGINE_URL", "http://127.0.0.1:8002").rstrip("/")
    rungs.append(
        Rung(
            name="house",
            url="ws" + house.removeprefix("http") + "/v1/realtime",
            model=HOUSE_MODEL,
            key=env_secret("ENGINE_API_KEY", ""),
        )
    )
    return rungs


def address(rung: Rung, model: str) -> str:
    """The URL to dial; a tenant's own choice of model does not apply to ours, which has one."""
    if "model=" in rung.url:
        return rung.url
    wanted = rung.model if rung.name == "house" else model or rung.model
    return f"{rung.url}{'&' if '?' in rung.url else '?'}model={quote(wanted)}" if wanted else rung.url
