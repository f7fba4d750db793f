"""Sets Django up where it is installed, so that the portal's modules can be collected."""

import os
from importlib.util import find_spec

if find_spec("django") is not None:
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "khazana.portal.project.settings_bare")
    django.setup()
