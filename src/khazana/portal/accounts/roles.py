"""The five roles of the desk. A person has exactly one, so that nobody is two sides of a control.

Viewer: reads the desk. Operator: prepares (files, documents, drafts). Approver: confirms what
another prepared, and prepares nothing. Auditor: reads everything, the audit log included, takes
exports, and writes in audits alone. Administrator: makes and closes accounts, and can neither
prepare nor confirm.
"""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Role(models.TextChoices):
    VIEWER = "viewer", _("Viewer")
    OPERATOR = "operator", _("Operator")
    APPROVER = "approver", _("Approver")
    AUDITOR = "auditor", _("Auditor")
    ADMINISTRATOR = "administrator", _("Administrator")


STAFF = frozenset(Role)
PREPARES = frozenset({Role.OPERATOR})
CONFIRMS = frozenset({Role.APPROVER})
AUDITS = frozenset({Role.AUDITOR})
ADMINISTERS = frozenset({Role.ADMINISTRATOR})
