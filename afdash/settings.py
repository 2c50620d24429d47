"""Settings, read from the environment. Secure by default; a local installation must say that it is one.

``AFDASH_LOCAL=1`` (set by ``make run``) means: plain HTTP on this machine's loopback address only.
"""

from __future__ import annotations

import sys
from pathlib import Path

from csp.constants import NONE, SELF

from afdash import addresses, env
from afdash.embedded.redis import broker_url

BASE_DIR = Path(__file__).resolve().parent.parent


def required(name: str, value: str | None) -> str:
    if not value:
        raise env.BadSetting(f"{name} is not set. `make run` sets it; on a server, set it or {name}_FILE.")
    return value


def database(url: str, *, as_owner: bool = False) -> dict[str, object]:
    """The connection for ``url``; the owner's, which only migrates, may work for as long as it needs."""
    # Nothing hangs: a lock that is not had in 3 s and a statement that takes a minute are given up, and the
    # caller is told to try again. An index on a large table takes minutes; but while a migration waits for
    # a lock, everyone else waits behind it, so that is given up as soon.
    longest = 0 if as_owner else 60_000
    parts = env.postgres_parts(url)
    options = parts.pop("OPTIONS")
    return {
        "ENGINE": "django.db.backends.postgresql",
        **parts,
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            **options,
            "connect_timeout": 5,
            # A server that vanished without a word is noticed within half a minute, not after two hours.
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "tcp_user_timeout": 30_000,
            "options": (
                f"-c lock_timeout=3000 -c statement_timeout={longest} "
                f"-c idle_in_transaction_session_timeout={longest}"
            ),
        },
    }


AFDASH_LOCAL = env.boolean(
    "AFDASH_LOCAL",
    default=False,
    help="Plain HTTP on 127.0.0.1 only. Set by make run; never set it on a server.",
)
AFDASH_DATA_DIR = env.path(
    "AFDASH_DATA_DIR", default=BASE_DIR / ".afdash", help="Where everything local is kept."
)
AFDASH_PORT = env.integer("AFDASH_PORT", default=8000, help="Port of the web server that make run starts.")

SECRET_KEY = required(
    "AFDASH_SECRET_KEY",
    env.secret("AFDASH_SECRET_KEY", help="Signs sessions; at least 50 random characters."),
)
if len(SECRET_KEY) < 50 or len(set(SECRET_KEY)) < 10:
    raise env.BadSetting("AFDASH_SECRET_KEY is too weak: give at least 50 random characters.")
DEBUG = False
ALLOWED_HOSTS = env.comma_list(
    "AFDASH_ALLOWED_HOSTS",
    default=["127.0.0.1", "localhost", "[::1]"] if AFDASH_LOCAL else [],
    help="Host names that the server answers to, separated by commas.",
)
CSRF_TRUSTED_ORIGINS = env.comma_list(
    "AFDASH_TRUSTED_ORIGINS", default=[], help="Origins behind a proxy, as https://host, separated by commas."
)

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "rest_framework",
    "django_htmx",
    "csp",
    "afdash",
    "afdash.accounts",
    "transcripts",
    "annotations",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "afdash.middleware.SafeHeadersMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "afdash.middleware.SignInRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "afdash.middleware.TransientFaultMiddleware",
]

ROOT_URLCONF = "afdash.urls"
WSGI_APPLICATION = "afdash.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": False,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "afdash.context.theme",
            ],
            "loaders": [
                (
                    "django.template.loaders.cached.Loader",
                    [
                        "django.template.loaders.filesystem.Loader",
                        "django.template.loaders.app_directories.Loader",
                    ],
                )
            ],
        },
    }
]

# The application's role owns no table: it cannot switch off the triggers that keep ground truth
# append-only. Only migrations run as the owner.
AS_OWNER = env.boolean("AFDASH_AS_OWNER", default=False, help="Set by manage.py while it migrates.")
DATABASE_URL = env.secret("DATABASE_URL", help="PostgreSQL 15 or later, as the role that owns no table.")
DATABASE_OWNER_URL = env.secret(
    "DATABASE_OWNER_URL", help="The same database as the role that owns the tables; for migrations only."
)
DATABASES = {
    "default": database(
        required("DATABASE_OWNER_URL", DATABASE_OWNER_URL)
        if AS_OWNER
        else required("DATABASE_URL", DATABASE_URL),
        as_owner=AS_OWNER,
    )
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = required(
    "REDIS_URL",
    env.secret("REDIS_URL", help="Redis 6.2 or later, or Valkey: redis:// or unix:// address."),
)

AUTH_USER_MODEL = "accounts.User"
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "login"
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not AFDASH_LOCAL
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_NAME = "afdash_session" if AFDASH_LOCAL else "__Host-afdash_session"
CSRF_COOKIE_NAME = "afdash_csrf" if AFDASH_LOCAL else "__Host-afdash_csrf"
SESSION_COOKIE_AGE = 12 * 3600
SESSION_SAVE_EVERY_REQUEST = False
CSRF_FAILURE_VIEW = "afdash.errors.csrf_failure"
SECURE_SSL_REDIRECT = not AFDASH_LOCAL
SECURE_HSTS_SECONDS = 0 if AFDASH_LOCAL else 31_536_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = not AFDASH_LOCAL
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
AFDASH_BEHIND_PROXY = env.boolean(
    "AFDASH_BEHIND_PROXY",
    default=False,
    help="Trust X-Forwarded-Proto and the last address in X-Forwarded-For: the proxy in front sets both.",
)
if AFDASH_BEHIND_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# Transcripts are hostile text. Nothing inline, nothing evaluated, nothing from elsewhere.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "object-src": [NONE],
    }
}

LANGUAGE_CODE = "en"
USE_I18N = False
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "static/"
STATIC_ROOT = AFDASH_DATA_DIR / "static"
BUILT_DIR = AFDASH_DATA_DIR / "built"  # third-party scripts out of installed packages
BUILT_DIR.mkdir(parents=True, exist_ok=True)
STATICFILES_DIRS = [BASE_DIR / "static", BUILT_DIR]
STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
WHITENOISE_MAX_AGE = 3600
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "afdash.static.HashedModuleStorage"},
    "sources": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {
            "location": AFDASH_DATA_DIR / "sources",
            "file_permissions_mode": 0o600,
            "directory_permissions_mode": 0o700,
        },
    },
}
AFDASH_STORAGE = addresses.storage(
    env.url(
        "AFDASH_STORAGE_URL",
        help="Sources in shared storage: s3://bucket/prefix?endpoint=…&region=…; else on this machine.",
        schemes=("s3",),
    ),
    env.secret(
        "AFDASH_STORAGE_ACCESS_KEY", help="Key of the shared storage; without it, the machine's role."
    ),
    env.secret("AFDASH_STORAGE_SECRET_KEY", help="Secret key of the shared storage."),
)
AFDASH_FETCHED = env.integer(
    "AFDASH_FETCHED_GB",
    default=20,
    minimum=1,
    help="Room on this machine for copies of sources from shared storage, in GB.",
) * (1 << 30)
# A secret, because an address may hold keys.
AFDASH_PLACES = addresses.places(
    env.secret(
        "AFDASH_PLACES", help="What leads may ingest from: name=s3://… or name=file:///…, by line or ;"
    )
)
AFDASH_WATCHED = addresses.watched(
    env.text("AFDASH_WATCHED", help="Folders whose new files are ingested: study=place/folder, by line or ;"),
    AFDASH_PLACES,
)
AFDASH_WATCHED_SECONDS = env.integer(
    "AFDASH_WATCHED_SECONDS",
    default=30,
    minimum=0,
    help="How long a watched file must have been unchanged before it is ingested.",
)
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 << 20  # of a form or an API body; uploaded files are counted apart
DATA_UPLOAD_MAX_NUMBER_FIELDS = (
    20_000  # a codebook in its form has a field for each choice's title, key and words
)
DATA_UPLOAD_MAX_NUMBER_FILES = 500  # each is an open file for as long as the request lasts
FILE_UPLOAD_HANDLERS = ["afdash.uploads.UploadHandler"]
FILE_UPLOAD_TEMP_DIR = AFDASH_DATA_DIR / "uploads"  # where there is room for them; /tmp may be memory
FILE_UPLOAD_TEMP_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
AFDASH_MAX_UPLOAD = env.integer(
    "AFDASH_MAX_UPLOAD_MB",
    default=4096,
    help="Largest upload that the page and the API take, all files of it together, in MB.",
) * (1 << 20)

AFDASH_PARSER_MEMORY_MB = env.integer(
    "AFDASH_PARSER_MEMORY_MB",
    default=160,
    minimum=64,
    help="What the process that reads files may use; a record that needs more is a reject.",
)
AFDASH_LEASE_SECONDS = env.integer(
    "AFDASH_LEASE_SECONDS",
    default=10,
    minimum=2,
    help="How long a worker may be silent before another takes its step of an ingest over.",
)

CELERY_BROKER_URL = broker_url(REDIS_URL) if REDIS_URL.startswith("unix:") else REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_DEFAULT_QUEUE = "fast"
CELERY_TASK_ROUTES = {
    "transcripts.advance_ingest": {"queue": "ingest"},
    "transcripts.fetch": {"queue": "ingest"},
}
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_MAX_TASKS_PER_CHILD = 200
CELERY_WORKER_MAX_MEMORY_PER_CHILD = 400_000  # kB
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 20
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    # A web request must not hang on a Redis that does; the row is the queue, the message a bell.
    "socket_timeout": 5,
    "socket_connect_timeout": 1,
    "visibility_timeout": 3600,
}
CELERY_BEAT_SCHEDULE = {
    "watch": {"task": "transcripts.watch", "schedule": 15.0, "options": {"queue": "fast", "expires": 15}},
    "index": {"task": "transcripts.index", "schedule": 5.0, "options": {"queue": "fast", "expires": 5}},
    "sweep": {"task": "transcripts.sweep", "schedule": 2.0, "options": {"queue": "fast", "expires": 10}},
}
CELERY_BEAT_SCHEDULE_FILENAME = str(AFDASH_DATA_DIR / "beat-schedule")

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "afdash.api.authentication.TokenAuthentication",
        "afdash.api.authentication.BrowserSessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["afdash.api.json.StrictRenderer"],
    "DEFAULT_PARSER_CLASSES": ["afdash.api.json.StrictParser"],
    "EXCEPTION_HANDLER": "afdash.api.errors.handle",
    "DEFAULT_THROTTLE_CLASSES": [],
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "stream": sys.stderr, "formatter": "plain"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {
        "django.request": {"level": "ERROR"},
        "csp": {"level": "WARNING"},
        # Anybody can send too much, as often as they like: no stack trace for each.
        "django.security.TooLarge": {"level": "CRITICAL"},
    },
}
