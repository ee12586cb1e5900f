"""The container image: its files hold together, and each of its commands runs with the image's packages alone."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import jsonschema
import pytest
import yaml

from common.env import ROOT
from config.run import commands
from config.services.embedded import embedded_databases
from tests.web.waiting import free_port

COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
DOCKERFILE = (ROOT / "Dockerfile").read_text()


def test_the_dockerfile_has_nothing_a_linter_would_change():
    hadolint = shutil.which("hadolint", path=str(Path(sys.executable).parent))
    if hadolint is None:
        pytest.skip("hadolint is not packaged for this machine")
    done = subprocess.run([hadolint, "--no-color", "Dockerfile"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_compose_file_follows_the_published_schema():
    path = ROOT / "node_modules" / "dclint" / "schemas" / "compose.schema.json"
    if not path.exists():
        pytest.skip("the schema is not here: npm was not run on this machine")
    schema = json.loads(path.read_text())
    jsonschema.Draft202012Validator(schema).validate(COMPOSE)


def test_every_command_of_the_image_is_a_service_and_no_other():
    services = {s["command"] for s in COMPOSE["services"].values() if s["image"] == "deskbell"}
    assert services == set(commands())
    assert 'ENTRYPOINT ["python", "-m", "config.run"]' in DOCKERFILE


def test_the_image_runs_as_nobody_in_particular_and_holds_no_database():
    assert re.findall(r"^USER (\S+)", DOCKERFILE, re.M)[-1] == "10001"
    synced = re.search(r"uv sync (.*--group engine.*)", DOCKERFILE)
    assert synced is not None
    assert "--no-default-groups" in synced[1]
    assert "embedded" not in synced[1]


def test_an_unknown_command_names_the_known_ones():
    done = subprocess.run(
        [sys.executable, "-m", "config.run", "carrier"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "prepare" in done.stderr
    assert "web" in done.stderr


@pytest.fixture(scope="module")
def image_python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A clean environment with what the Dockerfile installs."""
    uv = next((str(p) for p in (ROOT / ".tools" / "uv",) if p.is_file()), shutil.which("uv"))
    if uv is None:
        pytest.skip("uv is not here")
    venv = tmp_path_factory.mktemp("image") / "venv"
    synced = re.search(r"uv (sync .*--group engine)", DOCKERFILE)
    assert synced is not None
    env = {**os.environ, "UV_PROJECT_ENVIRONMENT": str(venv), "UV_PYTHON": sys.executable, "UV_SYSTEM_CERTS": "true"}
    done = subprocess.run([uv, *synced[1].split()], cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"the image's packages are not in reach: {done.stderr.strip().splitlines()[-1]}")
    return str(venv / "bin" / "python")


@pytest.fixture(scope="module")
def container(image_python: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment of a container, on databases of its own."""
    var = tmp_path_factory.mktemp("volume")
    with embedded_databases(tmp_path_factory.mktemp("databases")) as urls:
        keep = ("PATH", "HOME", "LANG", "SECRET_KEY", "MASTER_KEY", "TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN")
        yield {
            **{k: v for k, v in os.environ.items() if k in keep},
            "PYTHON": image_python,
            "DESKBELL_VAR": str(var),
            "DATABASE_URL": urls.database,
            "REDIS_URL": urls.redis,
            "PORT": str(free_port()),
            "TENANT_POOL_SIZE": "1",
        }


def run(container: dict[str, str], name: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [container["PYTHON"], "-m", "config.run", name],
        cwd=ROOT,
        env=container,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_each_command_runs_with_the_packages_of_the_image_alone(container):
    prepared = run(container, "prepare")
    _, errors = prepared.communicate(timeout=120)
    assert prepared.returncode == 0, errors[-3000:]
    port = int(container["PORT"])
    asked = {
        "web": f"http://127.0.0.1:{port}/healthz",
        "engine": f"http://127.0.0.1:{port + 2}/healthz",
        "media": None,
        "worker": None,
        "beat": None,
    }
    assert {"prepare", *asked} == set(commands())
    running = {name: run(container, name) for name in asked}
    try:
        deadline = time.monotonic() + 120
        for name, url in asked.items():
            while url is not None:
                assert running[name].poll() is None, running[name].communicate()[1][-3000:]
                assert time.monotonic() < deadline, f"{name} does not answer"
                try:
                    if httpx.get(url, timeout=5).status_code == 200:
                        break
                except httpx.HTTPError:
                    pass
                time.sleep(0.2)
        while httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=10).status_code != 200:
            assert time.monotonic() < deadline, httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=10).text
            time.sleep(0.2)
        for name, process in running.items():
            assert process.poll() is None, (name, process.communicate()[1][-3000:])
    finally:
        for process in running.values():
            process.terminate()
        for process in running.values():
            try:
                process.communicate(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
