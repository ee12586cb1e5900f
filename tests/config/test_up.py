from __future__ import annotations

import json
import os
import signal
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from config.services.secrets import NAMES
from tests.config.running import Up, family, four_free_ports, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

PROGRAMS = {"postgres", "valkey", "web", "media", "carrier", "worker", "beat"}


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    running = Up(tmp_path_factory.mktemp("up") / "var", "--no-engine")
    try:
        yield running.wait_ready()
    finally:
        running.stop()


@pytest.fixture
def settled(up: Up) -> Up:
    """The stack with every program running and listed."""
    until(lambda: up.run_file()["pids"].keys() >= PROGRAMS and up.is_ready(), "every program")
    return up


def test_one_line_says_ready_and_where(settled: Up) -> None:
    assert settled.lines == [f"ready http://localhost:{settled.port}\n"]


def test_run_file_tells_side_commands_where_everything_is(settled: Up) -> None:
    run = settled.run_file()
    assert run["public_url"] == f"http://localhost:{settled.port}"
    assert run["media_url"] == f"ws://localhost:{settled.port + 1}"
    assert run["carrier_url"] == f"http://127.0.0.1:{settled.port + 3}"
    assert run["env"]["TWILIO_API_BASE_URL"] == run["carrier_url"]
    with psycopg.connect(run["database_url"]) as connection:
        row = connection.execute("SELECT extversion FROM pg_extension WHERE extname = 'vector'").fetchone()
    assert row is not None
    with redis.Redis.from_url(run["redis_url"]) as client:
        assert client.config_get("appendonly") == {"appendonly": "yes"}


def test_only_the_owner_may_read_what_is_kept(settled: Up) -> None:
    def mode(path: Path) -> int:
        return stat.S_IMODE(path.stat().st_mode)

    assert mode(settled.var) == 0o700
    for name in ("secrets.json", "run.json", "supervisord.conf", "embedded.password", "valkey/valkey.conf"):
        assert mode(settled.var / name) == 0o600, name


def test_no_secret_reaches_a_command_line_or_a_log(settled: Up) -> None:
    secrets = list(json.loads((settled.var / "secrets.json").read_text()).values())
    secrets = [value for value in secrets if not value.startswith("AC")]  # an account's name is no secret
    secrets.append((settled.var / "embedded.password").read_text())
    shown = ["".join(settled.errors)]
    shown += [" ".join(process.cmdline()) for process in family(settled.var)]
    shown += [path.read_text(errors="replace") for path in (settled.var / "log").iterdir()]
    for secret in secrets:
        assert not [text for text in shown if secret in text]


@pytest.mark.parametrize("name", ["valkey", "postgres", "web", "worker"])
def test_killed_program_comes_back(settled: Up, name: str) -> None:
    old = settled.pid(name)
    os.kill(old, signal.SIGKILL)
    until(lambda: settled.pid(name) not in (0, old), f"another {name}")
    until(settled.is_ready, "readiness")


def test_a_media_process_that_hangs_is_killed_and_comes_back(settled: Up) -> None:
    old = settled.pid("media")
    os.kill(old, signal.SIGSTOP)
    until(lambda: settled.pid("media") not in (0, old), "another media process")
    until(settled.is_ready, "readiness")


def test_pool_children_end_with_a_killed_worker(settled: Up) -> None:
    worker = psutil.Process(settled.pid("worker"))
    pool = until(worker.children, "the pool")
    worker.kill()
    gone, alive = psutil.wait_procs(pool, 5)
    assert not alive
    assert len(gone) == len(pool)


def test_killed_supervisor_leaves_nothing_and_everything_comes_back(settled: Up) -> None:
    before = {psutil.Process(settled.pid(name)) for name in PROGRAMS}
    os.kill(settled.pid("supervisor"), signal.SIGKILL)
    _, alive = psutil.wait_procs(before, 20)
    assert not alive
    until(lambda: settled.run_file()["pids"].keys() >= PROGRAMS, "every program")
    until(lambda: not {process.pid for process in before} & set(settled.run_file()["pids"].values()), "new processes")
    until(settled.is_ready, "readiness")
    assert len(settled.lines) == 1


def test_second_up_on_the_same_folder_is_refused(settled: Up) -> None:
    second = Up(settled.var, "--no-engine", port=settled.port + 4)
    assert second.process.wait(60) == 1
    until(lambda: second.errors, "its words", 10)
    where = f"which runs at http://localhost:{settled.port}"
    assert f"{settled.var} is in use by another `up`, {where}" in "".join(second.errors)
    assert settled.is_ready()
    assert (settled.var / "run.json").exists()


def test_health_answers_on_any_host_name(settled: Up) -> None:
    odd = {"Host": "tunnel.example.net"}
    assert settled.get("/healthz", headers=odd).text == "ok"
    assert settled.get("/readyz", headers=odd).json()["checks"]["media"] is True


def test_busy_port_is_named_before_anything_starts(tmp_path: Path) -> None:
    first = four_free_ports()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", first + 3))
        taken.listen()
        refused = Up(tmp_path / "var", port=first)
        assert refused.process.wait(60) == 1
    until(lambda: refused.errors, "its words", 10)
    assert f"port {first + 3} (carrier)" in "".join(refused.errors)
    assert not (tmp_path / "var" / "postgres").exists()


def test_nothing_outlives_up_and_what_is_kept_survives(tmp_path: Path) -> None:
    var = tmp_path / "var"
    first = Up(var, "--no-engine").wait_ready()
    secrets = (var / "secrets.json").read_text()
    assert set(json.loads(secrets)) == set(NAMES)
    with redis.Redis.from_url(first.run_file()["redis_url"]) as client:
        client.set("kept", "yes")
    with psycopg.connect(first.run_file()["database_url"]) as connection:
        connection.execute("CREATE TABLE kept (word text)")
    assert first.stop(signal.SIGTERM) == 0
    assert not family(var)
    assert not (var / "run.json").exists()

    second = Up(var, "--no-engine").wait_ready()
    assert (var / "secrets.json").read_text() == secrets
    with redis.Redis.from_url(second.run_file()["redis_url"]) as client:
        assert client.get("kept") == b"yes"
    with psycopg.connect(second.run_file()["database_url"]) as connection:
        connection.execute("SELECT word FROM kept")
    assert len(family(var)) > len(PROGRAMS)
    second.stop(signal.SIGKILL)
    until(lambda: not family(var), "the end of every process", 15)
