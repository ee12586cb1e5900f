"""``python -m carrier --host 127.0.0.1 --port 8003``"""

from __future__ import annotations

import argparse
import sys

import uvloop
from aiohttp import web

from carrier.server import make_app
from carrier.settings import from_env
from common.env import ImproperlyConfigured
from common.logs import configure


def main() -> int:
    """Serve until SIGTERM or SIGINT; live calls are then hung up and their callbacks delivered."""
    parser = argparse.ArgumentParser(prog="carrier", description="A carrier that speaks Twilio's interface")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8003)
    options = parser.parse_args()
    configure()
    try:
        settings = from_env(f"http://{options.host}:{options.port}")
    except ImproperlyConfigured as error:
        sys.stderr.write(f"carrier: {error}\n")
        return 2
    web.run_app(
        make_app(settings),
        host=options.host,
        port=options.port,
        print=None,
        access_log=None,
        loop=uvloop.new_event_loop(),
        shutdown_timeout=5,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
