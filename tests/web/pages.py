"""A small site of the pages that need no database: the design language, the landing page, and the error pages.

`settings_for` gives its settings; ``python -m tests.web.pages PORT STATIC_ROOT`` serves it as production does: DEBUG
off, hashed names, the real middleware but for tenants and sessions in the database.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

STATIC = "DESKBELL_TEST_STATIC"


def main(port: int, static_root: Path) -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.web.settings"
    os.environ["PUBLIC_URL"] = f"http://localhost:{port}"
    os.environ[STATIC] = str(static_root)
    os.environ.setdefault("SECRET_KEY", "only-for-this-process")

    import django
    from django.core.management import call_command

    django.setup()
    call_command("collectstatic", interactive=False, verbosity=0)

    import uvicorn
    from django.core.asgi import get_asgi_application

    uvicorn.run(get_asgi_application(), host="127.0.0.1", port=port, log_level="warning", lifespan="off")


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
