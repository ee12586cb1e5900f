from __future__ import annotations

import json

import pytest

from common import env


@pytest.fixture
def run_json(tmp_path, monkeypatch):
    monkeypatch.setenv("DESKBELL_VAR", str(tmp_path))
    env._run_env.cache_clear()
    yield tmp_path / "run.json"
    env._run_env.cache_clear()


def test_the_environment_wins_over_the_running_product(run_json, monkeypatch):
    run_json.write_text(json.dumps({"env": {"SOME_URL": "from-up"}}))
    assert env.env_str("SOME_URL") == "from-up"
    monkeypatch.setenv("SOME_URL", "mine")
    assert env.env_str("SOME_URL") == "mine"


def test_a_damaged_run_file_counts_as_absent(run_json):
    run_json.write_text("{nope")
    assert env.env_str("SOME_URL", "default") == "default"


@pytest.mark.parametrize(
    ("reader", "value"),
    [(env.env_int, "ten"), (env.env_float, "x"), (env.env_bool, "maybe")],
    ids=["int", "float", "bool"],
)
def test_an_odd_value_is_refused_by_name(reader, value, monkeypatch):
    monkeypatch.setenv("ODD_ONE", value)
    with pytest.raises(env.ImproperlyConfigured, match="ODD_ONE"):
        reader("ODD_ONE", 1)


def test_a_secret_can_lie_in_a_file(run_json, tmp_path, monkeypatch):
    (tmp_path / "key").write_text("s3cret\n")
    monkeypatch.setenv("API_KEY_X_FILE", str(tmp_path / "key"))
    assert env.env_secret("API_KEY_X") == "s3cret"


def test_a_missing_secret_is_an_error_that_names_it(run_json):
    with pytest.raises(env.ImproperlyConfigured, match="API_KEY_Y"):
        env.env_secret("API_KEY_Y")


def test_lists_and_flags_are_read_as_people_write_them(monkeypatch):
    monkeypatch.setenv("L", " a, b ,,c ")
    monkeypatch.setenv("F", "Yes")
    assert env.env_list("L") == ["a", "b", "c"]
    assert env.env_bool("F") is True
