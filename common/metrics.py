"""Every metric of the product, declared once. Processes share them through ``PROMETHEUS_MULTIPROC_DIR``.

Labels never name a tenant, a number or a person.
"""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

CALLS = Counter("deskbell_calls_total", "Calls by first decision", ["decision"])
CALLS_FINISHED = Counter("deskbell_calls_finished_total", "Finished calls by outcome", ["outcome"])
CALL_SECONDS = Histogram(
    "deskbell_call_seconds", "Length of finished calls", buckets=(5, 15, 30, 60, 120, 300, 900, 3600)
)
STREAMS_ACTIVE = Gauge("deskbell_streams_active", "Live media streams", multiprocess_mode="livesum")
GREETING_SECONDS = Histogram(
    "deskbell_greeting_seconds",
    "Stream start to first greeting frame sent",
    buckets=(0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 2),
)
TURN_SECONDS = Histogram(
    "deskbell_turn_seconds",
    "Engine's end of speech to the first audio frame sent to the carrier",
    buckets=(0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.5, 2, 3, 5),
)
BARGE_IN_SECONDS = Histogram(
    "deskbell_barge_in_seconds",
    "speech_started received to clear sent",
    buckets=(0.0005, 0.001, 0.002, 0.005, 0.01, 0.05),
)
BARGE_INS = Counter("deskbell_barge_ins_total", "Answers interrupted by the caller")
DROPPED = Counter("deskbell_dropped_total", "Things dropped from a bounded queue", ["queue"])
PROTOCOL_ERRORS = Counter("deskbell_protocol_errors_total", "Malformed frames or messages", ["side"])
PROVIDER_ERRORS = Counter("deskbell_provider_errors_total", "Failures of a provider", ["provider", "category"])
ENGINE_SWITCHES = Counter("deskbell_engine_switches_total", "Sessions that moved to another rung", ["reason"])
TOOL_SECONDS = Histogram(
    "deskbell_tool_seconds", "Tool run time", ["tool"], buckets=(0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
)
TOOLS = Counter("deskbell_tools_total", "Tool calls", ["tool", "ok"])
WEBHOOKS = Counter("deskbell_webhooks_total", "Webhooks by result", ["hook", "result"])
TASK_SECONDS = Histogram("deskbell_task_seconds", "Task run time", ["task", "outcome"])
NO_TENANT = Counter("deskbell_no_tenant_total", "Tenant code that ran without a tenant: a bug")
RETRIEVAL_SECONDS = Histogram(
    "deskbell_retrieval_seconds", "Knowledge search", buckets=(0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.5)
)
CREDITS_DEBITED = Counter("deskbell_credits_debited_total", "Credits taken for calls")
CREDIT_ALERTS = Counter("deskbell_credit_alerts_total", "Tenants that used up a share of their credits", ["percent"])
ANSWERS = Counter("deskbell_answers_total", "Questions answered from knowledge, or declined", ["decision"])
PROMPTS_MISSING = Counter("deskbell_prompts_missing_total", "Calls whose greeting was not rendered ahead")
