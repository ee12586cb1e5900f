"""Static files: hashed names that browsers keep for ever, once `up` or the image's build has collected them."""

from __future__ import annotations

from django.contrib.staticfiles.storage import StaticFilesStorage
from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedStaticFiles(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # the library has no types
    """Hashed and compressed names, inside our own ES modules too.

    Where nothing has been collected (tests, a single command) the plain name is given instead; WhiteNoise serves
    those from `static/` and lets browsers ask again each time.
    """

    support_js_module_import_aggregation = True
    # Ours alone: in libraries Django's patterns also match the word "import" in comments.
    _js_module_import_aggregation_patterns = (
        "js/*.js",
        CompressedManifestStaticFilesStorage._js_module_import_aggregation_patterns[1],
    )

    def url(self, name: str | None, force: bool = False) -> str:
        """The address of `name`; raises `ValueError` when files were collected without it."""
        if not self.hashed_files:
            return str(StaticFilesStorage.url(self, name))
        return str(super().url(name, force))
