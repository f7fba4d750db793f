"""Settings of the portal: secure unless configuration says that it runs on one machine alone.

Everything configurable comes from the environment; `khazana portal serve` sets it.
KHAZANA_PORTAL_DIR: folder of the portal's own files (database, secret, collected static files).
KHAZANA_PORTAL_DATABASE: postgresql://USER:PASSWORD@HOST:PORT/NAME; else SQLite in the folder.
KHAZANA_PORTAL_HOSTS: names it answers to, separated by commas.
KHAZANA_PORTAL_PLAIN_HTTP: 1 where it is served on this machine alone, without TLS.
KHAZANA_PORTAL_PROGRESS: file that says how far a running demo is.
KHAZANA_PORTAL_ACCENT: the office's colour, 1 to 6.
KHAZANA_PORTAL_API_RATE: how often one address may ask the API, such as 600/min; empty: no limit.
KHAZANA_PORTAL_PROXIES: how many proxies before the portal name the reader's address, else 0.
KHAZANA_PORTAL_AUTHORITY: domain name that the feed's permanent names begin with.
KHAZANA_PORTAL_KNOWN_OFFICES: offices whose logs and verdicts are shown, by fingerprint or
  office.json, separated by colons (semicolons on Windows)
KHAZANA_PORTAL_SOURCE: the chain that the shown commands name, such as esplora:http://127.0.0.1:3002
"""

import os
from pathlib import Path
from typing import Any

from csp.constants import NONE, SELF

from khazana.portal.project.configuration import accent_of, database_of, secret_of

PORTAL = Path(__file__).resolve().parent.parent
DATA_DIR = Path(os.environ.get("KHAZANA_PORTAL_DIR", "portal-data"))
PLAIN_HTTP = os.environ.get("KHAZANA_PORTAL_PLAIN_HTTP") == "1"
PROGRESS_FILE = os.environ.get("KHAZANA_PORTAL_PROGRESS") or None
ACCENT = accent_of(os.environ.get("KHAZANA_PORTAL_ACCENT", "1"))
CHAIN_SOURCE = os.environ.get("KHAZANA_PORTAL_SOURCE") or "core:DATADIR"
API_RATE = os.environ.get("KHAZANA_PORTAL_API_RATE", "600/min")
NINJA_NUM_PROXIES = int(os.environ.get("KHAZANA_PORTAL_PROXIES", "0"))

SECRET_KEY = secret_of(DATA_DIR)
DEBUG = False
ALLOWED_HOSTS = [
    host
    for host in os.environ.get("KHAZANA_PORTAL_HOSTS", "127.0.0.1,localhost").split(",")
    if host
]
KNOWN_OFFICES = [
    each for each in os.environ.get("KHAZANA_PORTAL_KNOWN_OFFICES", "").split(os.pathsep) if each
]
AUTHORITY = os.environ.get("KHAZANA_PORTAL_AUTHORITY") or (ALLOWED_HOSTS or ["localhost"])[0]

ROOT_URLCONF = "khazana.portal.project.urls"
ASGI_APPLICATION = "khazana.portal.project.asgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "khazana.portal.project",
    "khazana.portal.statement",
    "khazana.portal.reserve",
    "khazana.portal.conditions",
    "khazana.portal.mining",
    "khazana.portal.supervision",
    "khazana.portal.accord",
    "khazana.portal.explainers",
    "khazana.portal.api",
    "django.contrib.staticfiles",
    "csp",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "khazana.portal.project.freshness.PublishedETag",
    "django.middleware.locale.LocaleMiddleware",
    "khazana.portal.api.answers.ProgramsAnswers",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "khazana.portal.project.frame.frame",
            ],
            "builtins": ["khazana.portal.project.templatetags.khazana"],
        },
    }
]

DATABASES = {"default": database_of(os.environ.get("KHAZANA_PORTAL_DATABASE", ""), DATA_DIR)}

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("ur", "اردو"), ("ar", "العربية"), ("es", "español")]
LOCALE_PATHS = [PORTAL / "project" / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "static/"
STATIC_ROOT = DATA_DIR / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_CONTENT_TYPE_NOSNIFF = True
CSRF_COOKIE_SECURE = SESSION_COOKIE_SECURE = not PLAIN_HTTP
CSRF_FAILURE_VIEW = "khazana.portal.project.views.forged"
SECURE_SSL_REDIRECT = not PLAIN_HTTP
SECURE_HSTS_SECONDS = 0 if PLAIN_HTTP else 365 * 24 * 3600
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = not PLAIN_HTTP
LANGUAGE_COOKIE_SECURE = not PLAIN_HTTP
LANGUAGE_COOKIE_SAMESITE = "Lax"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"tokens": {"()": "khazana.portal.project.log_filter.WithoutTokens"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "filters": ["tokens"]}},
    "root": {"handlers": ["console"], "level": "WARNING"},
}
