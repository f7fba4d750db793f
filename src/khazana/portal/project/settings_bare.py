"""Settings for tools that serve nobody: types, tests, the collection of messages.

Every app is installed, so that its tables and words are found; the addresses are those of the
public portal. Tests of the desk put its addresses and middleware in.
"""

import os
import tempfile

os.environ.setdefault("KHAZANA_PORTAL_SECRET", "used by tools only; nothing is signed with it")
os.environ.setdefault("KHAZANA_PORTAL_PLAIN_HTTP", "1")
os.environ.setdefault("KHAZANA_PORTAL_DIR", tempfile.gettempdir() + "/khazana-bare")

from khazana.portal.project.settings_desk import *  # noqa: F403
from khazana.portal.project.settings_desk import MIDDLEWARE as _DESK_MIDDLEWARE
from khazana.portal.project.settings_desk import PUBLIC_MIDDLEWARE as _PUBLIC_MIDDLEWARE

ROOT_URLCONF = "khazana.portal.project.urls"

# No manifest: tools do not collect static files first.
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
# Scrypt is slow on purpose; tests of hundreds of sign-ins do not test it.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

ACCOUNT_MIDDLEWARE = "allauth.account.middleware.AccountMiddleware"
"""allauth refuses to be installed without it; on a public page it does nothing."""
MIDDLEWARE = [name for name in _PUBLIC_MIDDLEWARE if not name.startswith("whitenoise")]
MIDDLEWARE.append(ACCOUNT_MIDDLEWARE)
DESK_MIDDLEWARE = [name for name in _DESK_MIDDLEWARE if not name.startswith("whitenoise")]
