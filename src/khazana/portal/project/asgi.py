"""The portal as an ASGI application."""

import os

from django.conf import settings
from django.core.asgi import get_asgi_application

from khazana.portal.project.bodies import BoundedBodies

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "khazana.portal.project.settings")
application = BoundedBodies(
    get_asgi_application(), most=getattr(settings, "MOST_BODY_BYTES", 1 << 20)
)
