"""The approximate index over a business's vectors: built once there are many, and how a search uses it.

Below `WORTH_IT` chunks vectors are compared exactly, which takes milliseconds and is always right. From there on a task
builds an HNSW index beside the running product. The statement that searches is the same with and without it.
"""

from __future__ import annotations

import logging

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django.db.models import Sum

from common.ai import DIMENSIONS
from knowledge.models import Document

log = logging.getLogger(__name__)

#: From this many chunks on an index pays.
WORTH_IT = 5_000
INDEX = "knowledge_chunk_near"
#: How many neighbours a search keeps in view: more find the right ones more surely and take longer. For 20 candidates
#: of 100,000 chunks 100 gave nine in ten of the very nearest; what answers a question stands out from them
#: (`make bench ARGS=knowledge`).
IN_VIEW = 100
#: Memory a build may take, in MB; what does not fit makes it slower, not wrong.
BUILD_MEMORY_MB = 256

#: As the index has vectors: half the memory, and what is found is put in order by the whole ones.
COLUMN = f"embedding::halfvec({DIMENSIONS})"

# With other rows in between (vectors of an older model) the index goes on looking until there are enough. Reading rows
# one by one until enough of them fit looks cheap to PostgreSQL, which does not know how large a row's words are.
_SETTINGS = (
    f"SELECT set_config('hnsw.ef_search', '{IN_VIEW}', true), "
    "set_config('hnsw.iterative_scan', 'relaxed_order', true), set_config('enable_seqscan', 'off', true)"
)


def look_wide(cursor: CursorWrapper) -> None:
    """Settings for searches by the index, up to the end of the transaction."""
    cursor.execute(_SETTINGS)


def as_text(vector: list[float]) -> str:
    """As PostgreSQL reads a vector."""
    return "[" + ",".join(f"{x:.7g}" for x in vector) + "]"


def build_wanted() -> bool:
    """Whether there are enough chunks for an index, and none yet."""
    return chunks() >= WORTH_IT and _state() is not True


def chunks() -> int:
    """How many chunks the business has."""
    return int(Document.objects.aggregate(total=Sum("total"))["total"] or 0)


def build_index() -> None:
    """Build the index unless it is there; searches and changes go on meanwhile. Not inside a transaction.

    What a killed worker left half-done is dropped first. A second worker at the same time does nothing.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtext(current_schema() || %s))", [INDEX])
        if not cursor.fetchone()[0]:
            log.info("the index is being built already")
            return
        try:
            state = _state()
            if state is False:
                cursor.execute(f"DROP INDEX CONCURRENTLY {INDEX}")
            if state is not True:
                cursor.execute(f"SET maintenance_work_mem = '{BUILD_MEMORY_MB}MB'")
                columns = f"(({COLUMN}) halfvec_cosine_ops)"
                cursor.execute(f"CREATE INDEX CONCURRENTLY {INDEX} ON knowledge_chunk USING hnsw {columns}")
                cursor.execute("ANALYZE knowledge_chunk")
        finally:
            cursor.execute("RESET maintenance_work_mem")
            cursor.execute("SELECT pg_advisory_unlock(hashtext(current_schema() || %s))", [INDEX])


def drop_index() -> None:
    """Compare exactly again."""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP INDEX IF EXISTS {INDEX}")


def _state() -> bool | None:
    """True: usable. False: a build broke off. None: there is none."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(quote_ident(current_schema()) || %s)",
            [f".{INDEX}"],
        )
        row = cursor.fetchone()
    return None if row is None else bool(row[0])


def ids(vector: list[float], model: str, limit: int) -> list[int]:
    """The nearest chunks of `model`, as a search finds them."""
    with transaction.atomic(), connection.cursor() as cursor:
        look_wide(cursor)
        near = f"SELECT id FROM knowledge_chunk WHERE model = %s ORDER BY {COLUMN} <=> %s::halfvec LIMIT %s"  # noqa: S608
        cursor.execute(near, [model, as_text(vector), limit])
        return [row[0] for row in cursor.fetchall()]
