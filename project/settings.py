"""Every setting of the site; the environment is read at the top of this file and nowhere else."""

import json
import os
from pathlib import Path
from typing import Any

import dj_database_url
import django_stubs_ext
from django.core.exceptions import ImproperlyConfigured
from django.utils.csp import CSP

from project.logs import lines_at
from project.own_folder import kept_secret_key, socket_folder

# Lets annotations such as ModelAdmin[Event] stand at run time.
django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent
SHORTEST_SECRET_KEY = 50


def _flag(name: str, *, default: bool = False) -> bool:
    return os.environ.get(name, str(default)).strip().lower() in {"1", "true", "yes", "on"}


def _words(name: str, default: str = "") -> list[str]:
    return [word.strip() for word in os.environ.get(name, default).split(",") if word.strip()]


def _kept_options(path: Path) -> dict[str, str]:
    """What `up` was last started with; the environment is stronger."""
    try:
        kept = dict(json.loads(path.read_text()))
    except (OSError, ValueError, TypeError):
        return {}
    given = {name for name in os.environ if name.startswith("PALIMPSEST_MODEL")}
    # A kept key must not be sent to another server than the one it was given for.
    other_model = "PALIMPSEST_MODEL_URL" in given or os.environ.get("PALIMPSEST_MODEL") in {"none", "builtin"}
    return {name: value for name, value in kept.items() if not (other_model and name.startswith("MODEL"))}


def _option(name: str, default: str = "") -> str:
    return os.environ.get(f"PALIMPSEST_{name}", _KEPT.get(name, default))


# --- The environment -------------------------------------------------------------------------------------
VAR_DIR = Path(os.environ.get("PALIMPSEST_VAR", BASE_DIR / "var")).resolve()
PRODUCTION = _flag("PALIMPSEST_PRODUCTION")
#: The options of the last `./run`, kept in var/ (see project.up.options).
OPTIONS_PATH = VAR_DIR / "options.json"
#: Where `up` has the built-in model listen, for the commands that are run beside it.
BUILTIN_MODEL_PATH = VAR_DIR / "builtin-model"
_KEPT = {} if PRODUCTION else _kept_options(OPTIONS_PATH)
#: Where `up` serves the pages, and whether it leaves out the demo story.
HOST = _option("HOST", "127.0.0.1")
PORT = _option("PORT", "8000")
NO_DEMO = _option("NO_DEMO").lower() in {"1", "true", "yes", "on"}
DEBUG = _flag("PALIMPSEST_DEBUG")
SECRET_KEY = os.environ.get("SECRET_KEY", "")
DATABASE_URL = os.environ.get("DATABASE_URL", "")
REDIS_URL = os.environ.get("REDIS_URL", "")
ALLOWED_HOSTS = _words("PALIMPSEST_HOSTS", "" if PRODUCTION else "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = _words("PALIMPSEST_ORIGINS")
#: How long browsers insist on TLS, for every subdomain as well; also allows the browsers' preload lists to name us.
HSTS_SECONDS = int(os.environ.get("PALIMPSEST_HSTS_SECONDS", "0"))
#: `https` when browsers reach the site over TLS; cookies are then marked secure.
BEHIND_HTTPS = _flag("PALIMPSEST_HTTPS", default=PRODUCTION)
#: Trust `X-Forwarded-Proto` and `X-Forwarded-For` of the proxy in front.
BEHIND_PROXY = _flag("PALIMPSEST_PROXY", default=PRODUCTION)

#: OpenAI-compatible endpoint of the model that plays; "" or "none" for no model, MODEL "builtin" for ours.
MODEL_URL = _option("MODEL_URL")
MODEL = _option("MODEL")
MODEL_KEY = _option("MODEL_KEY")
#: The model that reads (classifier, Chronicler, debriefs); by default the same one.
READER = os.environ.get("PALIMPSEST_READER", "")
READER_URL = os.environ.get("PALIMPSEST_READER_URL", "") or MODEL_URL
READER_MODEL = os.environ.get("PALIMPSEST_READER_MODEL", "") or MODEL
#: A key is for one server: that of the model that plays is not shown to another one.
READER_KEY = os.environ.get("PALIMPSEST_READER_KEY", "") or (MODEL_KEY if READER_URL == MODEL_URL else "")
#: Tokens of a model's context window that a prompt may fill, and that a reply may have.
PROMPT_TOKENS = int(os.environ.get("PALIMPSEST_PROMPT_TOKENS", "6000"))
REPLY_TOKENS = int(os.environ.get("PALIMPSEST_REPLY_TOKENS", "500"))
#: Dotted names of more subscribers (classes), for who extends the site.
SUBSCRIBERS = _words("PALIMPSEST_SUBSCRIBERS")
#: Lanes that each Reaction may work at once, in all workers together; within a lane it is always one.
REACTION_CONCURRENCY = int(os.environ.get("PALIMPSEST_REACTION_CONCURRENCY", "1"))
#: Seconds after which a worker that says nothing has lost its lane.
LEASE_SECONDS = float(os.environ.get("PALIMPSEST_LEASE_SECONDS", "15"))
#: Seconds between two looks at the streams that moved lately.
SWEEP_SECONDS = float(os.environ.get("PALIMPSEST_SWEEP_SECONDS", "3"))
#: The first and the longest window of a Reaction's backoff.
RETRY_FIRST_SECONDS = float(os.environ.get("PALIMPSEST_RETRY_FIRST_SECONDS", "2"))
RETRY_LONGEST_SECONDS = float(os.environ.get("PALIMPSEST_RETRY_LONGEST_SECONDS", "900"))
#: Seconds between two questions to a model that refuses us.
PROBE_SECONDS = float(os.environ.get("PALIMPSEST_PROBE_SECONDS", "15"))
#: Seconds that running Reactions get when a worker is told to end; "" for as long as each may take.
GRACE_SECONDS = float(os.environ.get("PALIMPSEST_GRACE_SECONDS") or "inf")
#: Where a wedged lane is posted as JSON, once per fingerprint.
ALERT_URL = os.environ.get("PALIMPSEST_ALERT_URL", "")
#: What seals the audit; without it the SECRET_KEY does, and changing that one breaks the chain.
AUDIT_KEY = os.environ.get("PALIMPSEST_AUDIT_KEY", "")
ATTEMPT_DAYS = int(os.environ.get("PALIMPSEST_ATTEMPT_DAYS", "30"))
#: Prices of a million tokens, for the cost on a chat's activity; 0 for none.
PROMPT_PRICE = float(os.environ.get("PALIMPSEST_PROMPT_PRICE", "0"))
COMPLETION_PRICE = float(os.environ.get("PALIMPSEST_COMPLETION_PRICE", "0"))
#: What an Attempt says it was made by.
CODE_VERSION = os.environ.get("PALIMPSEST_VERSION", "0.1.0")
#: Requests that the model's server takes at once, 0 for many. With 1 no Reaction starts while a reply is written.
MODEL_SLOTS = int(os.environ.get("PALIMPSEST_MODEL_SLOTS", "1" if MODEL == "builtin" else "0"))
#: How long a model may take to decide whether a silent witness speaks up; after that nobody does.
INTERJECTION_SECONDS = float(os.environ.get("PALIMPSEST_INTERJECTION_SECONDS", "5"))
#: Threads (and so database connections) that async code of one process may use.
DATABASE_THREADS = int(os.environ.get("PALIMPSEST_DATABASE_THREADS", "4"))
#: Per user and minute; "0" for no limit.
TURNS_PER_MINUTE = int(os.environ.get("PALIMPSEST_TURNS_PER_MINUTE", "60"))
LOGINS_PER_MINUTE = int(os.environ.get("PALIMPSEST_LOGINS_PER_MINUTE", "10"))
#: "Why this reply" is kept for so many of a chat's newest replies, and for so many days.
PROMPTS_PER_CHAT = int(os.environ.get("PALIMPSEST_PROMPTS_PER_CHAT", "200"))
PROMPT_DAYS = int(os.environ.get("PALIMPSEST_PROMPT_DAYS", "30"))
#: Random histories each law is tried on in the tests; raise it for a night's run.
LAW_EXAMPLES = int(os.environ.get("PALIMPSEST_LAW_EXAMPLES", "10"))
#: Seconds that an outage lasts in the tests; 60 for a true one.
OUTAGE_SECONDS = float(os.environ.get("PALIMPSEST_OUTAGE_SECONDS", "1"))
LOG_LEVEL = os.environ.get("PALIMPSEST_LOG_LEVEL", "INFO")

if PRODUCTION and DEBUG:
    raise ImproperlyConfigured("PALIMPSEST_PRODUCTION and PALIMPSEST_DEBUG exclude each other: unset one.")
if PRODUCTION and len(SECRET_KEY) < SHORTEST_SECRET_KEY:
    raise ImproperlyConfigured("Production needs a SECRET_KEY of at least 50 characters in the environment.")
if PRODUCTION and not ALLOWED_HOSTS:
    raise ImproperlyConfigured("Production needs PALIMPSEST_HOSTS, e.g. PALIMPSEST_HOSTS=stories.example.org.")

SECRET_KEY = SECRET_KEY or kept_secret_key(VAR_DIR)
AUDIT_KEY = AUDIT_KEY or SECRET_KEY
SOCKET_DIR = socket_folder(VAR_DIR)
REDIS_URL = REDIS_URL or f"unix://{SOCKET_DIR / 'valkey.sock'}"

# --- Django ----------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "project",
    "chat",
    "agent",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "channels",
    "django_eventstream",
    "ninja",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "servestatic.middleware.ServeStaticMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "project.urls"
ASGI_APPLICATION = "project.asgi.application"
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "chats"
LOGOUT_REDIRECT_URL = "login"
LANGUAGE_CODE = "en-us"
FORMAT_MODULE_PATH = "project.formats"
TIME_ZONE = "UTC"
USE_TZ = True
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

# --- Where things are kept -------------------------------------------------------------------------------
_sqlite: dict[str, Any] = {
    "ENGINE": "django.db.backends.sqlite3",
    "NAME": VAR_DIR / "palimpsest.sqlite3",
    "OPTIONS": {
        # Take the write lock at BEGIN, so that two writers queue up instead of failing at their first write.
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-20000;",
    },
    # A file: threads and processes of a test must see one database.
    "TEST": {"NAME": VAR_DIR / f"test-{os.getpid()}.sqlite3"},
}
DATABASES: dict[str, Any] = {"default": _sqlite}
if DATABASE_URL:
    DATABASES["default"] = dict(dj_database_url.parse(DATABASE_URL))
    if DATABASES["default"]["ENGINE"].endswith("postgresql"):
        DATABASES["default"].setdefault("OPTIONS", {}).update(
            pool={"min_size": 0, "max_size": 30, "timeout": 10},
            # Statements are prepared by the server when they come again: a third less time for an append.
            server_side_binding=True,
            prepare_threshold=5,
        )
CHANNEL_LAYERS = {
    "default": {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer", "CONFIG": {"hosts": [REDIS_URL]}},
}
MEDIA_ROOT = VAR_DIR / "media"
STATIC_URL = "static/"
SERVESTATIC_USE_FINDERS = True
SERVESTATIC_AUTOREFRESH = DEBUG
SERVESTATIC_MAX_AGE = 0
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}

# --- Celery (no results, no retries of its own: the database is the queue) ----------------------------------
CELERY_BROKER_URL = REDIS_URL.replace("unix://", "redis+socket://", 1)
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# There are none to cancel: nothing is acknowledged late. Unsaid, each loss would be a long warning in the log.
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False

# --- Live events -----------------------------------------------------------------------------------------
EVENTSTREAM_STORAGE_CLASS = "chat.streaming.storage.LogStorage"
EVENTSTREAM_CHANNELMANAGER_CLASS = "chat.streaming.storage.MembersOnly"

# --- Security --------------------------------------------------------------------------------------------
SECURE_CSP = {
    "default-src": [CSP.NONE],
    "script-src": [CSP.SELF],
    "style-src": [CSP.SELF],
    "img-src": [CSP.SELF, "data:"],
    "font-src": [CSP.SELF],
    "connect-src": [CSP.SELF],
    "form-action": [CSP.SELF],
    "base-uri": [CSP.NONE],
    "frame-ancestors": [CSP.NONE],
    "manifest-src": [CSP.SELF],
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = BEHIND_HTTPS
CSRF_COOKIE_SECURE = BEHIND_HTTPS
CSRF_FAILURE_VIEW = "chat.pages.answers.csrf_failure"
SECURE_SSL_REDIRECT = BEHIND_HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_HSTS_SECONDS = HSTS_SECONDS
SECURE_HSTS_INCLUDE_SUBDOMAINS = HSTS_SECONDS > 0
SECURE_HSTS_PRELOAD = HSTS_SECONDS > 0
if BEHIND_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024

# --- Logging ---------------------------------------------------------------------------------------------
LOGGING = lines_at(LOG_LEVEL)
