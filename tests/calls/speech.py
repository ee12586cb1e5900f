"""A scripted OpenAI-compatible voice: every text is a short tone, every recording has the words of the script."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np

from common.audio import RATE, write_wav


def tone(seconds: float, hertz: float = 440.0, level: float = 0.3) -> bytes:
    """A WAV file with a tone."""
    t = np.arange(int(seconds * RATE)) / RATE
    return write_wav((np.sin(2 * np.pi * hertz * t) * level * 32767).astype(np.int16))


class ScriptedSpeech:
    """Serves `/v1/audio/speech` and `/v1/audio/transcriptions` on a port of its own."""

    def __init__(self) -> None:
        self.words = "Please call me back."
        self.said: list[str] = []
        self.heard: list[bytes] = []
        speech = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.path == "/v1/audio/speech":
                    speech.said.append(json.loads(body)["input"])
                    answer, kind = tone(0.4), "audio/wav"
                else:
                    speech.heard.append(body)
                    told = {"text": speech.words, "language": "en", "duration": 1.0, "segments": []}
                    answer, kind = json.dumps(told).encode(), "application/json"
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
