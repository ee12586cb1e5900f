"""Settings of every process, from the environment. Each variable is listed in `.env.example`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import allauth

from common.env import ROOT, env_bool, env_int, env_list, env_secret, env_str, var_dir
from common.kv import redis_url
from common.logs import logging_config
from common.mail import mail_settings

BASE_DIR = ROOT
VAR_DIR = var_dir()

DEBUG = env_bool("DEBUG")
# `check` and `makemigrations` must work before the first `up`, which makes the real key up.
SECRET_KEY = env_secret("SECRET_KEY", "not-a-secret-only-for-commands-that-serve-nothing")

PORT = env_int("PORT", 8000)
PUBLIC_URL = env_str("PUBLIC_URL", f"http://localhost:{PORT}").rstrip("/")
# Not named MEDIA_URL: Django has a setting of that name and puts a slash before any value that is not HTTP.
MEDIA_STREAM_URL = env_str("MEDIA_URL", f"ws://localhost:{PORT + 1}").rstrip("/")
ENGINE_URL = env_str("ENGINE_URL", f"http://127.0.0.1:{PORT + 2}").rstrip("/")
CARRIER_URL = env_str("CARRIER_URL", f"http://127.0.0.1:{PORT + 3}").rstrip("/")

_public = urlsplit(PUBLIC_URL)
#: Host (with port) under which tenants live: ``<slug>.<ROOT_HOST>``.
ROOT_HOST = _public.netloc
ROOT_HOSTNAME = _public.hostname or "localhost"
SECURE = _public.scheme == "https"
ALLOWED_HOSTS = ["*"]  # unknown hosts get 404 from the tenant middleware; probes and tunnels come under any name
CSRF_TRUSTED_ORIGINS = [f"{_public.scheme}://{ROOT_HOST}", f"{_public.scheme}://*.{ROOT_HOST}"]

SHARED_APPS = [
    # Ours first: their commands of the same name win over django-tenants'.
    "config",
    "tenants",
    "billing",
    "django_tenants",
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_htmx",
    "csp",
    "channels",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
]
TENANT_APPS = ["knowledge", "calls", "receptionist"]
INSTALLED_APPS = [*SHARED_APPS, *TENANT_APPS, "realtime"]

TENANT_MODEL = "tenants.Tenant"
TENANT_DOMAIN_MODEL = "tenants.Domain"
AUTH_USER_MODEL = "tenants.User"
PUBLIC_SCHEMA_NAME = "public"
ROOT_URLCONF = "config.urls"  # tenant hosts
PUBLIC_SCHEMA_URLCONF = "config.urls_public"  # root host, and the any-host paths
DATABASE_ROUTERS = ["django_tenants.routers.TenantSyncRouter"]
TENANT_CREATION_FAKES_MIGRATIONS = False

MIDDLEWARE = [
    "config.middleware.AnyHostMiddleware",
    "config.middleware.ApiEdgeMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "tenants.middleware.TenantMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "tenants.middleware.BoundSessionMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "common.htmx.HtmxErrorsMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        # The library's own texts are behind ours: remarks and mails we have no words of our own for.
        "DIRS": [ROOT / "templates", *(Path(folder) / "templates" for folder in allauth.__path__)],
        "APP_DIRS": False,
        "OPTIONS": {
            "builtins": ["config.templatetags.ui", "django.templatetags.static"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "calls.context.desk",
                "tenants.notices.notices",
            ],
        },
    }
]

FORM_RENDERER = "config.forms.FormRenderer"

WSGI_APPLICATION = None
ASGI_APPLICATION = "config.asgi.application"


def _database(url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    query = dict(pair.split("=", 1) for pair in parts.query.split("&") if "=" in pair)
    return {
        "ENGINE": "django_tenants.postgresql_backend",
        "NAME": unquote(parts.path.lstrip("/")) or "deskbell",
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(query.get("host", "")) or parts.hostname or "",
        "PORT": str(parts.port or ""),
        "CONN_MAX_AGE": 0,
        # Sum of the pools: web 20, media 10, each worker child and each command 2 at most, out of max_connections 200.
        "OPTIONS": {
            "pool": {
                "min_size": 0,
                "max_size": env_int("DATABASE_POOL", 20),
                "timeout": env_int("DATABASE_WAIT_SECONDS", 10),
            }
        },
    }


DATABASE_URL = env_secret("DATABASE_URL", "postgresql://localhost/deskbell")
DATABASES = {"default": _database(DATABASE_URL)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": redis_url()}}
CHANNEL_LAYERS = {
    "default": {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer", "CONFIG": {"hosts": [redis_url()]}}
}

CELERY_BROKER_URL = redis_url()
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_TIME_LIMIT = 600
CELERY_TASK_SOFT_TIME_LIMIT = 540
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"
# Seconds between runs. Tasks of tenants are dispatched by a public task that fans out (`for_each_tenant`).
CELERY_BEAT_SCHEDULE = {
    name: {"task": name, "schedule": float(seconds), "options": {"expires": seconds}}
    for name, seconds in {
        "calls.tasks.sweep_every_tenant": 30,
        "calls.tasks.render_prompts": 60,
        "knowledge.index_all_unfinished": 300,
        "receptionist.render_all_missing": 60,
        "tenants.tasks.top_up_pool": 60,
        "tenants.tasks.tidy_up": 3600,
    }.items()
}

PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "/login"
LOGIN_REDIRECT_URL = "/businesses"

# Accounts of people (django-allauth), on the root host alone. Limits: sign-in is counted by `tenants.sessions`.
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
ACCOUNT_ADAPTER = "tenants.account.adapter.AccountAdapter"
ACCOUNT_FORMS = {
    "login": "tenants.account.forms.SignInForm",
    "reset_password": "tenants.account.forms.ForgottenForm",
    "reset_password_from_key": "tenants.account.forms.NewPasswordForm",
    "change_password": "tenants.account.forms.PasswordChangeForm",
    "reauthenticate": "tenants.account.forms.ConfirmForm",
}
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "optional"
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_DEFAULT_HTTP_PROTOCOL = _public.scheme
ACCOUNT_RATE_LIMITS = {"login": "120/m/ip", "login_failed": "20/m/ip,5/5m/key", "signup": "10/m/ip,60/h/ip"}
MFA_ADAPTER = "tenants.account.adapter.MFAAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = "Deskbell"

# Mails: to a server, or as files under var/mail.
globals().update(mail_settings(env_secret("EMAIL_URL", ""), VAR_DIR / "mail"))
DEFAULT_FROM_EMAIL = env_str("EMAIL_FROM", f"Deskbell <no-reply@{ROOT_HOSTNAME}>")

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = SECURE
CSRF_COOKIE_SECURE = SECURE
CSRF_FAILURE_VIEW = "tenants.views.csrf_failure"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# Nothing from another host, nothing inline. Pages that need more say so themselves with csp's decorators.
_sockets = "wss" if SECURE else "ws"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "media-src": ["'self'", "mediastream:", "blob:"],
        "connect-src": ["'self'", f"{_sockets}://{ROOT_HOST}", f"{_sockets}://*.{ROOT_HOST}"],
        "manifest-src": ["'self'"],
        "worker-src": ["'self'"],
        # Signing in at the root posts a form that ends on the tenant's host.
        "form-action": ["'self'", f"{_public.scheme}://{ROOT_HOST}", f"{_public.scheme}://*.{ROOT_HOST}"],
        "frame-ancestors": ["'none'"],
        "base-uri": ["'none'"],
    }
}
# Signatures cover the path as it was sent: never redirect a webhook to another spelling.
APPEND_SLASH = False

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = env_str("STATIC_ROOT", str(VAR_DIR / "static"))
STATICFILES_DIRS = [ROOT / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "config.static.HashedStaticFiles"},
}
WHITENOISE_USE_FINDERS = True
MEDIA_ROOT = VAR_DIR / "media"

LOGGING_CONFIG = "logging.config.dictConfig"
LOGGING = logging_config(env_str("LOG_LEVEL", "INFO"))

# The line
TWILIO_ACCOUNT_SID = env_str("TWILIO_ACCOUNT_SID")
TWILIO_AUTH_TOKEN = env_secret("TWILIO_AUTH_TOKEN", "")
TWILIO_API_BASE_URL = env_str("TWILIO_API_BASE_URL")
# Phones in the browser; without these there are none.
TWILIO_API_KEY_SID = env_str("TWILIO_API_KEY_SID")
TWILIO_API_KEY_SECRET = env_secret("TWILIO_API_KEY_SECRET", "")
TWILIO_TWIML_APP_SID = env_str("TWILIO_TWIML_APP_SID")
#: Host and port of the built-in carrier's signalling as browsers reach it; empty with Twilio itself.
PHONE_SIGNAL_HOST = (
    re.sub(r"^(127\.0\.0\.1|\[::1\])(?=:|$)", "localhost", urlsplit(TWILIO_API_BASE_URL).netloc)
    if TWILIO_API_BASE_URL
    else ""
)
if TWILIO_API_KEY_SID:
    # Every tenant page has a phone in its corner: its signalling, and nothing else of that host.
    CONTENT_SECURITY_POLICY["DIRECTIVES"]["connect-src"] += [
        f"ws://{PHONE_SIGNAL_HOST}" if PHONE_SIGNAL_HOST else "wss://*.twilio.com"
    ]

# The voice
OPENAI_REALTIME_URL = env_str("OPENAI_REALTIME_URL")
OPENAI_REALTIME_MODEL = env_str("OPENAI_REALTIME_MODEL", "gpt-realtime-2.1")

# Billing: 1 credit is the unit of the ledger.
CREDITS_PER_MINUTE = env_int("CREDITS_PER_MINUTE", 10)
STARTING_CREDITS = env_int("STARTING_CREDITS", 1000)

#: Requests one API key may send in a minute.
API_RATE_PER_MINUTE = env_int("API_RATE_PER_MINUTE", 300)
#: Bytes of a request's body that are read at all, for pages and the API alike.
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_621_440
#: Fields of one form; the longest price list (500 lines of four) must fit.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2_500

#: Ready-made schemas kept for the next sign-ups.
TENANT_POOL_SIZE = env_int("TENANT_POOL_SIZE", 3)
#: Threads for database work of async code; each holds one connection while it works.
TENANT_THREADS = env_int("TENANT_THREADS", 8)
METRICS_TOKEN = env_secret("METRICS_TOKEN", "")
#: Further names of the root host, for example of a tunnel.
EXTRA_HOSTS = env_list("EXTRA_HOSTS")
