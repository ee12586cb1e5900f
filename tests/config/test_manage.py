"""The command line where the product is not running."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from common.env import ROOT

KEPT = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}


@pytest.mark.parametrize(
    "command",
    [
        ["create_tenant", "--name", "A", "--slug", "a", "--owner", "a@b.example", "--password", "seven green ducks"],
        ["call", "--to", "+14155550100", "--say", "hello"],
    ],
    ids=lambda command: command[0],
)
def test_a_command_says_that_the_product_is_not_running(command: list[str], tmp_path: Path) -> None:
    nobody = "127.0.0.1:9"
    env = {
        **KEPT,
        "DESKBELL_VAR": str(tmp_path),
        "DATABASE_URL": f"postgresql://x:x@{nobody}/x?connect_timeout=1",
        "DATABASE_WAIT_SECONDS": "1",
        "ENGINE_URL": f"http://{nobody}",
        "CARRIER_URL": f"http://{nobody}",
        "REDIS_URL": f"redis://{nobody}/0",
    }
    ended = subprocess.run(
        [sys.executable, ROOT / "manage.py", *command], env=env, capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == 1
    last = ended.stderr.strip().splitlines()[-1]
    assert "make up" in last
    assert "Traceback" not in ended.stderr
