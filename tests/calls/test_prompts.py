from __future__ import annotations

import pytest
from django.test import Client
from redis.exceptions import ConnectionError as RedisGone

from calls import prompts, twiml
from calls.tasks import render_prompts
from common.audio import read_wav
from common.errors import ProviderError
from common.kv import redis_sync
from tests.calls.speech import ScriptedSpeech
from tests.calls.stage import Answer


@pytest.fixture
def speech(monkeypatch):
    voice = ScriptedSpeech()
    monkeypatch.setenv("OPENAI_BASE_URL", voice.url)
    yield voice
    voice.close()
    for key in redis_sync().scan_iter(prompts._key("*")):
        redis_sync().delete(key)


def everything() -> list[Answer]:
    made = [twiml.voicemail(reason, "t_1") for reason in (*twiml.PROMPTS, "error")]
    made += [twiml.goodbye(text) for text in (twiml.MESSAGE_KEPT, twiml.UNKNOWN_NUMBER)]
    made += [twiml.stream("token", "t_1", generation=generation) for generation in range(4)]
    return [Answer(200, text) for text in made]


def test_until_it_is_rendered_the_carrier_speaks(db):
    assert all("Play" not in answer.verbs for answer in everything())
    assert any("Say" in answer.verbs for answer in everything())


def test_rendered_once_everything_the_line_says_is_played(db, speech):
    render_prompts()
    assert sorted(speech.said) == sorted(twiml.sentences())
    render_prompts()
    assert len(speech.said) == len(twiml.sentences()), "what is kept is not rendered again"
    for answer in everything():
        assert "Say" not in answer.verbs
    url = everything()[0].find("Play").text
    assert url.startswith("http://localhost:8000/twilio/prompts/")
    played = Client(headers={"host": "tunnel.example"}).get(url.removeprefix("http://localhost:8000"))
    assert played.status_code == 200
    assert played.headers["Content-Type"] == "audio/wav"
    assert read_wav(played.content).seconds == pytest.approx(0.4, abs=0.05)


def test_another_voice_is_rendered_anew(db, speech, monkeypatch):
    render_prompts()
    monkeypatch.setenv("SPEECH_VOICE", "cedar")
    assert prompts.ready(twiml.MESSAGE_KEPT) == ""


def test_a_file_that_is_not_there_is_not_found(db):
    assert Client().get(f"/twilio/prompts/{'0' * 32}.wav", headers={"host": "localhost"}).status_code == 404


def test_a_voice_that_is_away_is_asked_again_and_nothing_is_kept(db, speech, monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    with pytest.raises(ProviderError) as caught:
        prompts.render_missing(twiml.sentences())
    assert caught.value.retryable
    assert all("Play" not in answer.verbs for answer in everything())


def test_a_cache_that_is_gone_leaves_the_words_to_the_carrier(db, monkeypatch):
    class Gone:
        def exists(self, key):
            raise RedisGone

    monkeypatch.setattr(prompts, "redis_sync", Gone)
    assert everything()[0].verbs == ["Say", "Record", "Say", "Hangup"]
