"""``python -m engine --host 127.0.0.1 --port 8002``."""

from __future__ import annotations

import argparse
import os
import sys

# Idle OpenMP threads that spin would take the cores from the other models; read when the libraries load.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from aiohttp import web

from common.env import env_str
from common.logs import configure
from engine.app import create_app
from engine.state import STATE


def main() -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(prog="engine", description="OpenAI-protocol server with local models")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8002)
    options = parser.parse_args()
    configure(env_str("LOG_LEVEL", "INFO"))
    app = create_app()
    web.run_app(app, host=options.host, port=options.port, print=None, access_log=None, shutdown_timeout=2.0)
    if app[STATE].failed:
        sys.exit(1)


if __name__ == "__main__":
    main()
