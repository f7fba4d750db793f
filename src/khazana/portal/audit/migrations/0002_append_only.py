"""The triggers that keep the log append-only."""

from django.db import migrations

from khazana.portal.audit.triggers import put, take


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_first")]

    operations = [migrations.RunPython(put, take)]
