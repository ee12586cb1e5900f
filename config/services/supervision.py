"""supervisord as a child: its configuration, and the few questions `up` asks it."""

from __future__ import annotations

import http.client
import shlex
import shutil
import subprocess
import sys
import tempfile
import xmlrpc.client
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from supervisor.xmlrpc import SupervisorTransport

from common.env import ROOT
from config.services.children import guard_env, guarded, private_dir, wait_until, write_private
from config.services.programs import Program

_GROUPS = {"data": 10, "work": 20, "edge": 30}
#: A unix socket's path may have 107 bytes, and supervisord first makes it under a longer name.
_LONGEST_SOCKET = 90


class Supervisor:
    """One supervisord over `programs`; nothing starts until it is asked to."""

    def __init__(self, programs: list[Program], var: Path, env: dict[str, str]) -> None:
        self.programs = programs
        self.var = var
        self.env = env
        self.log_dir = private_dir(var / "log")
        self._short_dir: Path | None = None
        self._socket = var / "supervisor.sock"
        if len(str(self._socket)) > _LONGEST_SOCKET:
            self._short_dir = Path(tempfile.mkdtemp(prefix="deskbell-"))
            self._socket = self._short_dir / "supervisor.sock"
        self._child: subprocess.Popen[bytes] | None = None
        self._proxy = xmlrpc.client.ServerProxy(
            "http://127.0.0.1", transport=SupervisorTransport(serverurl=f"unix://{self._socket}")
        )

    @property
    def pid(self) -> int:
        return self._child.pid if self._child else 0

    def alive(self) -> bool:
        """Whether supervisord runs; its children end with it."""
        return self._child is not None and self._child.poll() is None

    def start(self) -> None:
        """Start supervisord and wait until it answers."""
        path = self.var / "supervisord.conf"
        write_private(path, self._configuration())
        with (self.log_dir / "supervisord.log").open("ab") as output:
            self._child = subprocess.Popen(
                guarded([sys.executable, "-m", "supervisor.supervisord", "--nodaemon", "--configuration", str(path)]),
                cwd=ROOT,
                env=guard_env(self.env),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=output,
                start_new_session=True,  # Ctrl-C reaches `up` only, which stops everything in order
            )
        wait_until(
            lambda: self.states() is not None,
            seconds=20,
            what=f"the supervisor ({self.log_dir}/supervisord.log)",
            alive=self.alive,
        )

    def start_programs(self, names: Iterable[str]) -> None:
        """Ask for these programs; does not wait. One that runs already is left alone."""
        groups = {program.name: program.group for program in self.programs}
        for name in names:
            try:
                self._proxy.supervisor.startProcess(f"{groups[name]}:{name}", False)
            except xmlrpc.client.Fault as fault:
                if "ALREADY_STARTED" not in fault.faultString:
                    raise

    def states(self) -> dict[str, dict[str, Any]] | None:
        """What supervisord says about each program (``statename``, ``pid``, …); None when it does not answer."""
        try:
            answer: Any = self._proxy.supervisor.getAllProcessInfo()
        except (OSError, http.client.HTTPException, xmlrpc.client.Error):
            self._proxy("close")()
            return None
        return {info["name"]: info for info in answer}

    def stop(self) -> None:
        """Stop every program, group by group, then supervisord; what hangs is killed."""
        if self._child is not None and self._child.poll() is None:
            self._child.terminate()
            try:
                self._child.wait(60)
            except subprocess.TimeoutExpired:
                self._child.kill()
                self._child.wait()
        if self._short_dir:
            shutil.rmtree(self._short_dir, ignore_errors=True)

    def _configuration(self) -> str:
        sections = [
            "[supervisord]",
            f"logfile={_escape(self.log_dir / 'supervisord.log')}",
            "logfile_maxbytes=5MB",
            "logfile_backups=2",
            f"pidfile={_escape(self.var / 'supervisord.pid')}",
            "umask=077",
            "strip_ansi=false",
            "[unix_http_server]",
            f"file={_escape(self._socket)}",
            "chmod=0700",
            "[rpcinterface:supervisor]",
            "supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface",
        ]
        for group, priority in _GROUPS.items():
            names = [program.name for program in self.programs if program.group == group]
            if names:
                sections += [f"[group:{group}]", f"programs={','.join(names)}", f"priority={priority}"]
        for program in self.programs:
            sections += self._program(program)
        return "\n".join(sections) + "\n"

    def _program(self, program: Program) -> list[str]:
        lines = [
            f"[program:{program.name}]",
            f"command={_escape(shlex.join(program.command))}",
            f"directory={_escape(ROOT)}",
            "autostart=false",
            "autorestart=true",
            "startsecs=1",
            "startretries=1000000",  # each wait is a second longer than the one before
            f"stopsignal={program.stop_signal}",
            f"stopwaitsecs={program.stop_seconds}",
            "killasgroup=true",
            "redirect_stderr=true",
            f"stdout_logfile={_escape(self.log_dir / program.name)}.log",
            "stdout_logfile_maxbytes=10MB",
            "stdout_logfile_backups=3",
        ]
        if program.environment:
            pairs = ",".join(f'{name}="{value}"' for name, value in program.environment.items())
            lines.append(f"environment={_escape(pairs)}")
        return lines


def _escape(value: object) -> str:
    return str(value).replace("%", "%%")
