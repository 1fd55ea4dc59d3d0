"""Every setting of Hubsync, read once from the environment (see .env.example)."""

from pathlib import Path
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from hubsync import __version__, env

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = BASE_DIR / "var"

# --- who we are -------------------------------------------------------------------------------------
DEBUG = env.flag("DEBUG", default=False)
SECRET_KEY = env.long_secret("SECRET_KEY")
ENCRYPTION_KEYS = env.fernet_keys("ENCRYPTION_KEYS")
TOMBSTONE_KEY = env.long_secret("TOMBSTONE_KEY")
PUBLIC_URL = env.origin("PUBLIC_URL")
ALLOWED_HOSTS = env.items("ALLOWED_HOSTS", default=urlsplit(PUBLIC_URL).hostname or "")

# --- the vendors ------------------------------------------------------------------------------------
HUBSPOT_APP_ID = env.digits("HUBSPOT_APP_ID")
HUBSPOT_CLIENT_ID = env.text("HUBSPOT_CLIENT_ID")
HUBSPOT_CLIENT_SECRETS = env.items("HUBSPOT_CLIENT_SECRET")  # newest first while one is being rotated
HUBSPOT_API_URL = env.origin("HUBSPOT_API_URL", default="https://api.hubapi.com")
HUBSPOT_APP_URL = env.origin("HUBSPOT_APP_URL", default="https://app.hubspot.com")
LEARNUPON_URL = env.text("LEARNUPON_URL", default="https://{subdomain}.{region}")
LEARNUPON_REGIONS = ("learnupon.com", "learnuponau.com")

if not DEBUG:
    for name, value, only in (
        ("HUBSPOT_API_URL", HUBSPOT_API_URL, "https://api.hubapi.com"),
        ("HUBSPOT_APP_URL", HUBSPOT_APP_URL, "https://app.hubspot.com"),
    ):
        if value != only:
            raise ImproperlyConfigured(f"{name} is {value!r}: with DEBUG off only {only} is allowed.")
    if LEARNUPON_URL != "https://{subdomain}.{region}":
        raise ImproperlyConfigured(
            "LEARNUPON_URL may differ from https://{subdomain}.{region} only with DEBUG on."
        )
    if urlsplit(PUBLIC_URL).scheme != "https":
        raise ImproperlyConfigured("PUBLIC_URL must be https with DEBUG off: HubSpot calls nothing else.")

# --- time -------------------------------------------------------------------------------------------
# One order holds everywhere (checked at start-up): a call ends before its task is stopped, the task before
# its claim runs out, the claim before the broker would deliver the task again.
CALL_DEADLINE = 20  # seconds for one HTTP call, first byte to last
SLICE_SECONDS = 10  # a task stops taking new work after this long, so that neighbours get their turn
TASK_SECONDS = 90
CLAIM_SECONDS = 120
BROKER_VISIBILITY_SECONDS = 600
RETRY_SCALE = env.number("RETRY_SCALE", default=1.0, low=0.001, high=1.0)
if RETRY_SCALE != 1.0 and not DEBUG:
    raise ImproperlyConfigured("RETRY_SCALE is for fault tests; leave it out with DEBUG off.")
SWEEP_SECONDS = 2.0
# A wake-up that nobody took for so long is worthless. Whoever takes it judges by a clock of its own, which may be
# minutes apart from the sender's.
WAKE_SECONDS = 600
# How long things are kept (gdpr/retention.py).
BODY_DAYS = env.number("BODY_DAYS", default=30, low=1, high=365)
ROW_DAYS = env.number("ROW_DAYS", default=180, low=1, high=3650)
UNINSTALL_DAYS = env.number("UNINSTALL_DAYS", default=30, low=0, high=365)
BODY_LIMIT = 1024 * 1024

# --- Django -----------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django_htmx",
    "rest_framework",
    "drf_spectacular",
    "csp",
    "hubsync.apps.HubsyncConfig",
    "portals",
    "webhooks",
    "learners",
    "gdpr",
]
MIDDLEWARE = [
    "hubsync.probes.ProbeMiddleware",
    "hubsync.observing.RequestMiddleware",
    "hubsync.encoding.CookieMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
    "hubsync.direct.DirectMiddleware",  # requests to /webhooks/ go no further
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "hubsync.bodies.BodyLimitMiddleware",
    "portals.operators.OperatorSession",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "portals.sessions.AccountMiddleware",
    "portals.throttle.ThrottleMiddleware",
]
ROOT_URLCONF = "hubsync.urls"
WSGI_APPLICATION = "hubsync.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
FORMAT_MODULE_PATH = "hubsync.formats"
APPEND_SLASH = False
# The app stands at the root of its host. A server that takes a SCRIPT_NAME header would let a caller say otherwise, and
# what is decided by the beginning of a path would be decided wrongly.
FORCE_SCRIPT_NAME = ""
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "portals.sessions.account_context",
            ]
        },
    }
]
STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = DEBUG
DATA_UPLOAD_MAX_MEMORY_SIZE = BODY_LIMIT

# --- database, broker, mail -------------------------------------------------------------------------
DATABASES = {"default": env.database("DATABASE_URL") | {"ENGINE": "hubsync.postgresql"}}
# A host that vanishes says no farewell. Unasked, the server would keep its session, with the locks of a push or a token,
# for two hours, and a process of ours would wait as long for a server that is gone. A socket file ignores all this.
VANISHED = {"idle": 30, "interval": 10, "count": 3}
SESSION = {
    "random_page_cost": 1.1,  # the default, 4, is for spinning disks: whole tables are read where an index would do
    **{f"tcp_keepalives_{name}": value for name, value in VANISHED.items()},
    "tcp_user_timeout": 30_000,
    # For a process that stands still while its host answers. The longest wait of ours in a transaction is one call.
    "idle_in_transaction_session_timeout": f"{CLAIM_SECONDS}s",
}
ASKED = DATABASES["default"].get("OPTIONS", {})  # the query of the address: sslmode, sslrootcert, …
DATABASES["default"]["OPTIONS"] = {
    **ASKED,
    "connect_timeout": 5,
    **{f"keepalives_{name}": value for name, value in VANISHED.items()},
    "tcp_user_timeout": 30_000,
    "options": " ".join(
        [*(f"-c {name}={value}" for name, value in SESSION.items()), ASKED.get("options", "")]
    ),
}

REDIS_URL = env.text("REDIS_URL")
if urlsplit(REDIS_URL).scheme not in ("redis", "rediss"):
    raise ImproperlyConfigured("REDIS_URL must begin with redis:// or rediss://.")

vars().update(env.mail("EMAIL_URL"))
EMAIL_TIMEOUT = 15
DEFAULT_FROM_EMAIL = env.text("DEFAULT_FROM_EMAIL")

# --- Celery -----------------------------------------------------------------------------------------
# Everything a task does stands in PostgreSQL; Redis only carries wake-ups, so results and retries stay off.
CELERY_BROKER_URL = REDIS_URL
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": BROKER_VISIBILITY_SECONDS,
    "socket_timeout": 5,
    "socket_connect_timeout": 2,
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_TIME_LIMIT = TASK_SECONDS
CELERY_TASK_ACKS_LATE = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_DEFAULT_QUEUE = "live"
CELERY_TASK_CREATE_MISSING_QUEUES = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULER = "hubsync.beat:Scheduler"

# --- sessions and browsers --------------------------------------------------------------------------
# A browser takes a __Host- cookie only over https, from this very host and for all of it: nobody can plant one.
SESSION_COOKIE_NAME = "hubsync_session" if DEBUG else "__Host-hubsync_session"
CSRF_COOKIE_NAME = "hubsync_csrf" if DEBUG else "__Host-hubsync_csrf"
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True  # no script of ours reads them
SESSION_COOKIE_SAMESITE = "Lax"  # HubSpot's consent page sends people back by a cross-site redirect
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not DEBUG
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
SECURE_SSL_REDIRECT = not DEBUG
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
# How many proxies of our own stand in front: that many entries of X-Forwarded-For, from the right, are believed.
PROXY_COUNT = int(env.number("PROXY_COUNT", default=0 if DEBUG else 1, low=0, high=10))
SECURE_HSTS_SECONDS = 0 if DEBUG else 365 * 24 * 3600
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = not DEBUG
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "connect-src": ["'self'"],
        "form-action": ["'self'", HUBSPOT_APP_URL],
        "base-uri": ["'none'"],
        "object-src": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
}

# Operators are the only people with a password here; customers sign in with HubSpot.
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}", "OPTIONS": options}
    for name, options in (
        ("MinimumLengthValidator", {"min_length": 12}),
        ("CommonPasswordValidator", {}),
        ("NumericPasswordValidator", {}),
        ("UserAttributeSimilarityValidator", {}),
    )
]

# --- API and logs -----------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_RENDERER_CLASSES": ["webhooks.wire.OrjsonRenderer"],
    "DEFAULT_PARSER_CLASSES": ["webhooks.wire.OrjsonParser"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "webhooks.wire.OnlyJson",
    "DEFAULT_METADATA_CLASS": None,  # OPTIONS is a method like any other that is not there
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "UNAUTHENTICATED_USER": None,
    "EXCEPTION_HANDLER": "webhooks.wire.exception_handler",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Hubsync",
    "DESCRIPTION": "The addresses that programs call. Other methods than those named here are answered 405, and a request "
    "that is no proper HTTP or names another host 400, 414 or 431, before it reaches an address.",
    "VERSION": __version__,
    "OAS_VERSION": "3.1.0",
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "hubsync.openapi.add_operators",
    ],
}
SENTRY_DSN = env.text("SENTRY_DSN", default="")
OTLP_URL = env.origin("OTLP_URL", default="")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "hubsync.logging.JsonFormatter"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {
        # Django's own handlers write whole tracebacks, with what exceptions quote.
        "django": {"handlers": [], "level": "INFO"},
        "django.server": {"handlers": ["stderr"], "propagate": False},
        "urllib3": {"level": "WARNING"},
        "celery.app.trace": {"level": "WARNING"},
        "celery.worker.strategy": {"level": "WARNING"},
    },
}
