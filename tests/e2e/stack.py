"""The whole product as its user runs it, and real calls through it."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from common.audio import Wav, read_wav, write_wav

ROOT = Path(__file__).resolve().parents[2]
#: What the surrounding test run may have set for its own databases; the product under test makes its own.
OWN = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "MASTER_KEY", "PUBLIC_URL", "MEDIA_URL", "ENGINE_URL", "CARRIER_URL")
PREFIXES = ("TWILIO_", "OPENAI_", "ENGINE_", "PROMETHEUS_", "DJANGO_", "DESKBELL_VAR", "METRICS_")


def free_ports(count: int) -> int:
    """First of `count` consecutive ports nobody listens on."""
    for first in range(18000, 30000, 10):
        sockets = []
        try:
            for port in range(first, first + count):
                sock = socket.socket()
                sockets.append(sock)
                sock.bind(("127.0.0.1", port))
            return first
        except OSError:
            continue
        finally:
            for sock in sockets:
                sock.close()
    raise RuntimeError("no free ports")


@dataclass
class Heard:
    """A finished call: the journal's report and what was on the line."""

    report: dict[str, Any]
    wav: Wav
    stderr: str = ""

    @property
    def sid(self) -> str:
        return str(self.report["call_sid"])

    @property
    def caller_said(self) -> str:
        return " ".join(t["text"] for t in self.report["transcript"] if t["role"] == "caller")

    @property
    def receptionist_said(self) -> str:
        return " ".join(t["text"] for t in self.report["transcript"] if t["role"] == "receptionist")

    def tool(self, name: str) -> dict[str, Any]:
        found = [t for t in self.report["tools"] if t["name"] == name]
        assert found, f"{name} was not called: {self.report['tools']}"
        return found[0]


@dataclass
class Stack:
    """A running product."""

    port: int
    var: Path
    env: dict[str, str]
    process: subprocess.Popen[str]
    run: dict[str, Any]
    pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(5))
    _spoken: dict[str, Path] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    @property
    def engine(self) -> httpx.Client:
        headers = {"Authorization": f"Bearer {self.run['env']['ENGINE_API_KEY']}"}
        return httpx.Client(base_url=self.run["engine_url"], headers=headers, timeout=60)

    def manage(self, *args: str, timeout: float = 120, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command beside the running product, as a person would in another terminal."""
        done = subprocess.run(
            [sys.executable, "manage.py", *args],
            cwd=ROOT,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=timeout,
        )
        if check and done.returncode:
            raise AssertionError(f"manage.py {args[0]} failed: {done.stdout[-2000:]}{done.stderr[-3000:]}")
        return done

    def python(self, code: str) -> Any:
        """Evaluate `code` inside the product; it must print one JSON value as its last line."""
        return json.loads(self.manage("shell", "--no-imports", "-c", code).stdout.strip().splitlines()[-1])

    def in_tenant(self, slug: str, code: str) -> Any:
        """Run `code` inside a tenant's schema; it must set `answer` to something JSON can hold."""
        body = "".join(f"    {line}\n" for line in code.splitlines())
        return self.python(
            "import json\n"
            "from tenants.models import Tenant\n"
            "from tenants.context import in_tenant\n"
            f"def read():\n{body}    return answer\n"
            f"print(json.dumps(in_tenant(Tenant.objects.get(slug={slug!r}).schema_name, read)))"
        )

    def speak(self, text: str) -> Path:
        """A WAV file of a synthetic caller saying `text`."""
        with self._lock:
            if text not in self._spoken:
                with self.engine as client:
                    answer = client.post(
                        "/v1/audio/speech",
                        json={"model": "tts", "input": text, "voice": "marin", "response_format": "wav"},
                    )
                answer.raise_for_status()
                path = self.var / f"caller-{len(self._spoken)}.wav"
                path.write_bytes(answer.content)
                self._spoken[text] = path
            return self._spoken[text]

    def hear(self, samples: Any, rate: int = 8000) -> str:
        """What a listener understands of the audio."""
        with self.engine as client:
            answer = client.post(
                "/v1/audio/transcriptions",
                files={"file": ("heard.wav", write_wav(samples, rate), "audio/wav")},
                data={"model": "whisper"},
            )
        answer.raise_for_status()
        return str(answer.json()["text"])

    def call(self, to: str, *turns: str | Path, caller: str = "+14155550199") -> Heard:
        """Call `to`; each turn is a WAV file or a sentence to speak."""
        out = self.var / f"heard-{threading.get_ident()}.wav"
        args = ["call", "--to", to, "--from", caller, "--out", str(out)]
        for turn in turns:
            args += ["--wav", str(turn if isinstance(turn, Path) else self.speak(turn))]
        done = self.manage(*args, timeout=170)
        return Heard(json.loads(done.stdout), read_wav(out.read_bytes()), done.stderr)

    def call_soon(self, to: str, *turns: str | Path, caller: str = "+14155550199") -> Future[Heard]:
        """Place a call beside others; at most five at once."""
        return self.pool.submit(self.call, to, *turns, caller=caller)

    def create_tenant(self, name: str, slug: str, **options: str) -> dict[str, Any]:
        """`manage.py create_tenant` with a made-up owner."""
        args = [
            "--name",
            name,
            "--slug",
            slug,
            "--owner",
            f"owner@{slug}.example",
            "--password",
            "Sup3r-long-pass-phrase",
        ]
        for key, value in options.items():
            args += [f"--{key}", value]
        return dict(json.loads(self.manage("create_tenant", *args).stdout))


DEMO = "+14155550100"
