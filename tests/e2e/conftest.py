"""One `manage.py up` for all end-to-end tests."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from typing import Any

import pytest

from tests.e2e.stack import OWN, PREFIXES, ROOT, Stack, free_ports


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Any:
    var = tmp_path_factory.mktemp("product")
    port = free_ports(4)
    env = {k: v for k, v in os.environ.items() if k not in OWN and not k.startswith(PREFIXES)}
    env |= {"DESKBELL_VAR": str(var), "PYTHONUNBUFFERED": "1"}
    log = (var / "up.err").open("w")
    process = subprocess.Popen(
        [sys.executable, "manage.py", "up", "--port", str(port)],
        cwd=ROOT,
        env=env,
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
    )
    timer = threading.Timer(150, process.kill)
    timer.start()
    assert process.stdout is not None
    line = process.stdout.readline()
    timer.cancel()
    if not line.startswith("ready "):
        process.kill()
        raise AssertionError(f"the product did not start: {line}{(var / 'up.err').read_text()[-4000:]}")
    product = Stack(port, var, env, process, json.loads((var / "run.json").read_text()))
    yield product
    product.pool.shutdown(wait=True, cancel_futures=True)
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(60)
    finally:
        process.kill()
        process.stdout.close()
        log.close()
