"""Settings for tools that serve nobody: types, tests, the collection of messages."""

import os
import tempfile

os.environ.setdefault("KHAZANA_PORTAL_SECRET", "used by tools only; nothing is signed with it")
os.environ.setdefault("KHAZANA_PORTAL_PLAIN_HTTP", "1")
os.environ.setdefault("KHAZANA_PORTAL_DIR", tempfile.gettempdir() + "/khazana-bare")

from khazana.portal.project.settings import *  # noqa: F403

# No manifest: tools do not collect static files first.
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}

MIDDLEWARE = [name for name in MIDDLEWARE if not name.startswith("whitenoise")]  # noqa: F405
