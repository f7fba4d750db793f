"""Settings of a portal with the staff desk: `khazana portal serve --desk`.

The public portal never loads this file: it has no accounts, no sessions and none of these
addresses.
KHAZANA_PORTAL_OFFICE: folder of the office's files of record (office.toml, tables).
KHAZANA_PORTAL_PUBLICATION: folder into which the desk publishes.
KHAZANA_PORTAL_CHAIN: the office's own source of the chain, for workers.
"""

import os
from pathlib import Path

from khazana.portal.project.settings import *  # noqa: F403
from khazana.portal.project.settings import (
    CONTENT_SECURITY_POLICY,
    DATA_DIR,
    INSTALLED_APPS,
    MIDDLEWARE,
    NINJA_NUM_PROXIES,
    PLAIN_HTTP,
)

ROOT_URLCONF = "khazana.portal.project.urls_desk"
OFFICE_DIR = Path(os.environ.get("KHAZANA_PORTAL_OFFICE") or DATA_DIR / "office")
PUBLICATION_DIR = Path(os.environ.get("KHAZANA_PORTAL_PUBLICATION") or DATA_DIR / "publication")
DESK_SOURCE = os.environ.get("KHAZANA_PORTAL_CHAIN", "")

INSTALLED_APPS = [
    *INSTALLED_APPS,
    "khazana.portal.accounts",
    "khazana.portal.audit",
    "khazana.portal.tasks",
    "khazana.portal.desk",
    "khazana.portal.reconciliation",
    "khazana.portal.orders",
    "khazana.portal.auditing",
    "khazana.portal.memoranda",
    "khazana.portal.staff_api",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "django_tasks",
    "django_tasks_db",
]
PUBLIC_MIDDLEWARE = MIDDLEWARE
_INSTEAD = {
    # What staff see depends on more than what is published, and no cache keeps it.
    "khazana.portal.project.freshness.PublishedETag": [
        "khazana.portal.accounts.quiet_sessions.QuietSessions"
    ],
    "django.middleware.csrf.CsrfViewMiddleware": [
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "allauth.account.middleware.AccountMiddleware",
        "khazana.portal.accounts.guard.Guard",
    ],
    # Compression beside secrets tells their length (BREACH).
    "django.middleware.gzip.GZipMiddleware": [],
}
MIDDLEWARE = [name for each in MIDDLEWARE for name in _INSTEAD.get(each, [each])]

AUTH_USER_MODEL = "accounts.Person"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.ScryptPasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "desk-home"

ACCOUNT_ADAPTER = "khazana.portal.accounts.adapters.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_USER_MODEL_EMAIL_FIELD = None
ACCOUNT_USERNAME_MIN_LENGTH = 2
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False
ACCOUNT_REAUTHENTICATION_TIMEOUT = 300
ACCOUNT_RATE_LIMITS = {
    "login": "30/m/ip",
    "login_failed": "10/m/ip,5/5m/key",
    "reauthenticate": "10/m/user",
    "change_password": "5/m/user",
}
ALLAUTH_TRUSTED_PROXY_COUNT = NINJA_NUM_PROXIES
MFA_ADAPTER = "khazana.portal.accounts.adapters.MFAAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_USER_VERIFICATION = "required"
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = PLAIN_HTTP

SESSION_ENGINE = "django.contrib.sessions.backends.db"
SESSION_COOKIE_AGE = 30 * 60
SESSION_SAVE_EVERY_REQUEST = True
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_COOKIE_NAME = "khazana-desk" if PLAIN_HTTP else "__Host-khazana-desk"
CSRF_COOKIE_NAME = "khazana-csrf" if PLAIN_HTTP else "__Host-khazana-csrf"
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Strict"
MOST_BODY_BYTES = (1 << 26) + (1 << 16)
"""The largest file that is taken (desk/uploads.py) and the form around it."""
DATA_UPLOAD_MAX_MEMORY_SIZE = 1 << 20
DATA_UPLOAD_MAX_NUMBER_FIELDS = 500
DATA_UPLOAD_MAX_NUMBER_FILES = 4
FILE_UPLOAD_MAX_MEMORY_SIZE = 1 << 20

TASKS = {
    "default": {
        "BACKEND": "django_tasks_db.DatabaseBackend",
        "QUEUES": ["default"],
    }
}
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        **CONTENT_SECURITY_POLICY["DIRECTIVES"],
        "require-trusted-types-for": ["'script'"],
    }
}
