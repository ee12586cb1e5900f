"""What `manage.py up` does, from the free ports to the orderly stop."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import httpx
from celery import Celery
from prometheus_client.multiprocess import mark_process_dead

from common.env import var_dir
from config.services import preparation, programs
from config.services.children import ServiceError, private_dir, wait_until, write_private
from config.services.embedded import locked, services
from config.services.postgres import Postgres
from config.services.preparation import Preparation
from config.services.programs import Ports
from config.services.pulse import Pulse
from config.services.secrets import NAMES, made_up_secrets
from config.services.supervision import Supervisor
from config.services.valkey import Valkey

#: How long the processes may take to answer, models loaded from a cold disk.
START_SECONDS = 180.0
#: How long migrating every schema may take.
MIGRATION_SECONDS = 3600.0
#: A supervisor that was killed is started again, but not for ever.
SUPERVISOR_LIVES = 5
#: Seconds without a sign of life after which a process is killed, to be started again. Calls hang on media and
#: carrier; an engine that hangs is left by every call on its own (the ladder), and may be busy.
PATIENCE = {"media": 5.0, "carrier": 8.0, "web": 20.0, "engine": 120.0}
#: What side commands need besides addresses and made-up secrets, where the operator set it.
_PASSED_ON = (
    "TWILIO_API_BASE_URL",
    "OPENAI_API_KEY",
    "OPENAI_BASE_URL",
    "OPENAI_REALTIME_URL",
    "OPENAI_REALTIME_MODEL",
)


class _Stop(BaseException):
    """SIGTERM, SIGINT or SIGHUP came."""


class _SupervisorLost(Exception):
    """supervisord is gone, and with it every process."""


def say(message: str) -> None:
    """Progress, on standard error: standard output belongs to the ready line."""
    sys.stderr.write(f"· {message}\n")
    sys.stderr.flush()


class Stack:
    """Every process of one `up`."""

    def __init__(self, ports: Ports, *, host: str, engine: bool, carrier: bool, environ: dict[str, str]) -> None:
        self.ports = ports
        self.host = host
        self.engine = engine
        self.carrier = carrier
        self.environ = environ
        self.var = var_dir()
        self.env: dict[str, str] = {}
        self._announced = False

    def run(self) -> None:
        """Start, announce, watch, and stop on a signal. Raises `ServiceError` when the start fails."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._on_signal)
        try:
            with locked(self.var):
                self._check_ports()
                self._run()
        except _Stop:
            pass

    @staticmethod
    def _on_signal(number: int, frame: FrameType | None) -> None:
        for again in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(again, signal.SIG_IGN)  # the stop itself is not interrupted
        raise _Stop

    def _check_ports(self) -> None:
        wanted = {"web": (self.host, self.ports.web), "media": (self.host, self.ports.media)}
        if self.engine:
            wanted["engine"] = ("127.0.0.1", self.ports.engine)
        if self.carrier:
            wanted["carrier"] = ("127.0.0.1", self.ports.carrier)
        for name, (host, port) in wanted.items():
            with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind((host, port))
                except OSError as error:
                    raise ServiceError(
                        f"port {port} ({name}) can't be used: {error.strerror}; choose others with --port"
                    ) from None

    def _run(self) -> None:
        run_file = self.var / "run.json"
        run_file.unlink(missing_ok=True)  # of an `up` that was killed
        postgres, valkey = services(self.var)
        embedded_postgres = None if self._given("DATABASE_URL") else postgres
        embedded_valkey = None if self._given("REDIS_URL") else valkey
        for service in (embedded_postgres, embedded_valkey):
            if service:
                service.prepare()
        self.env = self._environment(embedded_postgres, embedded_valkey)
        shutil.rmtree(self.var / "metrics", ignore_errors=True)
        for name in ("metrics", "static"):
            private_dir(self.var / name)
        data = programs.databases(embedded_postgres, embedded_valkey)
        own = programs.processes(self.ports, self.host, self.var, engine=self.engine, carrier=self.carrier)
        supervisor = Supervisor([*data, *own], self.var, {**self.environ, **self.env})
        self._write_run_file(run_file, {})
        try:
            for _ in range(SUPERVISOR_LIVES):
                try:
                    self._bring_up(supervisor, embedded_postgres, embedded_valkey)
                    self._watch(supervisor, run_file)
                except _SupervisorLost:
                    say("the supervisor ended unexpectedly: starting everything again")
            raise ServiceError(f"the supervisor ended {SUPERVISOR_LIVES} times; see {supervisor.log_dir}")
        finally:
            say("stopping")
            supervisor.stop()
            run_file.unlink(missing_ok=True)

    def _given(self, name: str) -> str:
        """What the operator set: ``NAME``, or the contents of the file ``NAME_FILE`` names."""
        if path := self.environ.get(f"{name}_FILE"):
            try:
                return self.environ.get(name) or Path(path).read_text().strip()
            except OSError as error:
                raise ServiceError(f"{name}_FILE can't be read: {error.strerror}") from None
        return self.environ.get(name, "")

    def _environment(self, postgres: Postgres | None, valkey: Valkey | None) -> dict[str, str]:
        """What every process gets on top of the environment `up` was started with."""
        ports = self.ports
        env = made_up_secrets(self.var)
        if not self.carrier:
            # Another carrier does not know a key that was made up here.
            for name in ("TWILIO_API_KEY_SID", "TWILIO_API_KEY_SECRET", "TWILIO_TWIML_APP_SID"):
                env.pop(name, None)
        defaults = {
            "PUBLIC_URL": f"http://localhost:{ports.web}",
            "MEDIA_URL": f"ws://localhost:{ports.media}",
            "ENGINE_URL": f"http://127.0.0.1:{ports.engine}",
            "CARRIER_URL": f"http://127.0.0.1:{ports.carrier}",
        }
        env |= {name: self.environ.get(name) or value for name, value in defaults.items()}
        if self.engine:  # the one started here, wherever another may be
            env["ENGINE_URL"] = defaults["ENGINE_URL"]
        elif not self._given("ENGINE_URL"):
            env["READY_WITHOUT_ENGINE"] = "true"
        if self.carrier:
            env["CARRIER_URL"] = defaults["CARRIER_URL"]
            if not self._given("TWILIO_API_BASE_URL"):
                env["TWILIO_API_BASE_URL"] = defaults["CARRIER_URL"]
        if postgres:
            env["DATABASE_URL"] = postgres.url
        if valkey:
            env["REDIS_URL"] = valkey.url
        env |= {
            "PORT": str(ports.web),
            "DESKBELL_VAR": str(self.var),
            "DJANGO_SETTINGS_MODULE": self.environ.get("DJANGO_SETTINGS_MODULE", "config.settings.base"),
            "PROMETHEUS_MULTIPROC_DIR": str(self.var / "metrics"),
            "PYTHONUNBUFFERED": "1",
        }
        return env

    def _write_run_file(self, path: Path, pids: dict[str, int]) -> None:
        """Lay ``var/run.json`` for side commands: they find the running product by it, and its secrets (mode 0600)."""
        names = (*NAMES, *_PASSED_ON, "DATABASE_URL", "REDIS_URL")
        shown = {name: value for name in names if (value := self._given(name))}
        shown |= {name: value for name, value in self.env.items() if name not in ("DESKBELL_VAR", "PYTHONUNBUFFERED")}
        shown.pop("PROMETHEUS_MULTIPROC_DIR", None)
        content = {
            "public_url": self.env["PUBLIC_URL"],
            "media_url": self.env["MEDIA_URL"],
            "engine_url": self.env["ENGINE_URL"] if "READY_WITHOUT_ENGINE" not in self.env else "",
            "carrier_url": self.env["CARRIER_URL"] if self.carrier else "",
            "database_url": shown.get("DATABASE_URL", ""),
            "redis_url": shown.get("REDIS_URL", ""),
            "port": self.ports.web,
            "pids": {"up": os.getpid(), **pids},
            "env": shown,
        }
        write_private(path, json.dumps(content, indent=1) + "\n")

    def _bring_up(self, supervisor: Supervisor, postgres: Postgres | None, valkey: Valkey | None) -> None:
        began = time.monotonic()
        supervisor.start()
        names = [program.name for program in supervisor.programs]
        # Engine and carrier need no database, and the first start needs them: they load meanwhile.
        supervisor.start_programs(name for name in names if name in ("postgres", "valkey", "engine", "carrier"))
        say("databases")
        for service in (postgres, valkey):
            if service:
                self._wait(service.answers, type(service).__name__, supervisor, seconds=60)
        # What another server holds is not known from here; the folder of static files may have been emptied.
        if postgres is None or not (self.var / "static" / "staticfiles.json").exists():
            (self.var / preparation.STAMP).unlink(missing_ok=True)
        say("processes")
        with Preparation(self.var, self._waited_for(), {**self.environ, **self.env}) as prepared:
            self._wait(prepared.fits, "the migration", supervisor, seconds=MIGRATION_SECONDS)
            supervisor.start_programs(names)
            self._wait(prepared.done, "the preparation", supervisor, seconds=MIGRATION_SECONDS)
        self._wait_for_processes(supervisor)
        say(f"up after {time.monotonic() - began:.1f} s; logs in {supervisor.log_dir}")
        if not self._announced:
            self._announced = True
            sys.stdout.write(f"ready {self.env['PUBLIC_URL']}\n")
            sys.stdout.flush()

    def _waited_for(self) -> list[str]:
        """Health addresses of what the steps of a first start speak to."""
        urls = [self.env["ENGINE_URL"]] if self.engine else []
        urls += [self.env["CARRIER_URL"]] if self.carrier else []
        return [f"{url}/healthz" for url in urls]

    def _wait(self, answers: Callable[[], bool], what: str, supervisor: Supervisor, *, seconds: float) -> None:
        def alive() -> bool:
            if not supervisor.alive():
                raise _SupervisorLost
            return True

        wait_until(answers, seconds=seconds, what=f"{what} ({supervisor.log_dir})", alive=alive)

    def _wait_for_processes(self, supervisor: Supervisor) -> None:
        """Until each process has answered once; beat, which serves nothing, must have stayed up."""
        waiting: dict[str, Callable[[], bool]] = {
            "beat": lambda: (supervisor.states() or {}).get("beat", {}).get("statename") == "RUNNING",
            "worker": self._worker_answers,
            "web, with all it needs": lambda: self._answers(self._readyz),
        }
        if self.carrier:
            waiting["carrier"] = lambda: self._answers(f"{self.env['CARRIER_URL']}/healthz")
        end = time.monotonic() + START_SECONDS
        try:
            for name, answers in waiting.items():
                self._wait(answers, name, supervisor, seconds=end - time.monotonic())
        except ServiceError as error:
            raise ServiceError(f"{error}; {self._missing(supervisor)}") from None

    def _missing(self, supervisor: Supervisor) -> str:
        """Which programs don't run and which checks of ``/readyz`` fail, for the operator."""
        states = supervisor.states() or {}
        down = sorted(name for name, info in states.items() if info["statename"] != "RUNNING")
        try:
            checks = httpx.get(self._readyz, timeout=5, trust_env=False).json()["checks"]
        except (httpx.HTTPError, ValueError, KeyError):
            checks = {"web": False}
        failing = sorted(name for name, well in checks.items() if not well)
        return f"not running: {', '.join(down) or 'none'}; not ready: {', '.join(failing) or 'none'}"

    @property
    def _readyz(self) -> str:
        return f"http://{self._web_host}:{self.ports.web}/readyz"

    @property
    def _web_host(self) -> str:
        everywhere = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - names, nothing is bound
        return everywhere.get(self.host, f"[{self.host}]" if ":" in self.host else self.host)

    @staticmethod
    def _answers(url: str) -> bool:
        try:
            return httpx.get(url, timeout=5, trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False

    def _worker_answers(self) -> bool:
        url = self.env.get("REDIS_URL") or self._given("REDIS_URL")
        with Celery(broker=url, set_as_current=False) as app:
            try:
                return bool(app.control.ping(destination=[programs.worker_name(self.ports)], timeout=0.5))
            except app.connection_for_write().connection_errors:
                return False

    def _watch(self, supervisor: Supervisor, run_file: Path) -> None:
        """Keep the list of process ids current until a signal comes. Raises `_SupervisorLost`."""
        known: dict[str, int] = {}
        pulses = {name: Pulse(url, PATIENCE[name]).start() for name, url in self._health().items()}
        try:
            while supervisor.alive():
                began = time.monotonic()
                known = self._look(supervisor, run_file, known, pulses)
                time.sleep(1)
                if time.monotonic() - began > min(PATIENCE.values()) - 1:
                    for pulse in pulses.values():
                        pulse.forget()  # it was this process that was held up
        finally:
            for pulse in pulses.values():
                pulse.stop()
        raise _SupervisorLost

    def _health(self) -> dict[str, str]:
        """Where to ask each process whether it is there; media answers any address, be it with a refusal."""
        urls = {
            "web": f"http://{self._web_host}:{self.ports.web}/healthz",
            "media": f"http://{self._web_host}:{self.ports.media}/",
        }
        if self.engine:
            urls["engine"] = f"{self.env['ENGINE_URL']}/healthz"
        if self.carrier:
            urls["carrier"] = f"{self.env['CARRIER_URL']}/healthz"
        return urls

    def _look(
        self, supervisor: Supervisor, run_file: Path, known: dict[str, int], pulses: dict[str, Pulse]
    ) -> dict[str, int]:
        """Process ids of now, noted where they changed; kills what hangs, for the supervisor to start it again."""
        states = supervisor.states()
        if states is None:
            return known
        pids = {"supervisor": supervisor.pid} | {name: info["pid"] for name, info in states.items() if info["pid"]}
        for name, pulse in pulses.items():
            if pids.get(name) != known.get(name):
                pulse.forget()
            elif name in pids and pulse.silent():
                say(f"{name} does not answer any more: killing it, so that it starts again")
                pulse.forget()
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pids[name], signal.SIGKILL)
        if pids != known:
            for gone in set(known.values()) - set(pids.values()):
                # Its live gauges no longer count.
                mark_process_dead(gone, str(self.var / "metrics"))  # type: ignore[no-untyped-call]
            self._write_run_file(run_file, pids)
        return pids
