from __future__ import annotations

import pytest

from common.errors import ProviderError, category_of_status


@pytest.mark.parametrize(
    ("status", "category", "retryable"),
    [
        (400, "invalid_request", False),
        (401, "authentication", False),
        (403, "authorization", False),
        (404, "not_found", False),
        (408, "timeout", True),
        (422, "invalid_request", False),
        (429, "rate_limit", True),
        (500, "server", True),
        (503, "server", True),
        (302, "unknown", False),
    ],
)
def test_whether_to_try_again_follows_from_the_status(status, category, retryable):
    error = ProviderError("carrier", category_of_status(status))
    assert (error.category, error.retryable) == (category, retryable)
