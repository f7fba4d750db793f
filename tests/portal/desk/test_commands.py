"""The desk's commands, and that a portal for the public has nothing of the desk."""

import os
import re
import subprocess
import sys

import pytest

from khazana.cli.main import main
from tests.portal.desk.commands import portal

pytest.importorskip("django")


def test_accounts_and_the_audit_log_from_the_command_line(tmp_path, capsys):
    data = tmp_path / "data"
    made = portal(
        data, "staff", "add", "amina", "--role", "operator", "--address", "https://desk.example/"
    )
    assert made.returncode == 0, made.stderr
    token = re.search(r"https://desk\.example/en/accounts/begin/([\w-]{43})/\n", made.stdout)[1]
    assert data.stat().st_mode & 0o077 == 0
    assert (data / "portal.sqlite3").stat().st_mode & 0o077 == 0
    assert token.encode() not in (data / "portal.sqlite3").read_bytes()
    again = portal(data, "staff", "add", "amina", "--role", "viewer")
    assert (again.returncode, "there is such an account" in again.stderr) == (2, True)
    taken = portal(data, "audit-log", "export", str(tmp_path / "log.jsonl"))
    assert "last act 3:" in taken.stdout
    assert main(["audit-log", str(tmp_path / "log.jsonl")]) == 0
    assert "3 acts" in capsys.readouterr().out


def test_a_portal_for_the_public_has_no_accounts_no_sessions_and_no_address_of_the_desk(tmp_path):
    program = (
        "import django, sys; django.setup()\n"
        "from django.conf import settings\n"
        "from django.test import Client\n"
        "from django.core.management import call_command\n"
        "call_command('migrate', verbosity=0)\n"
        "apps = ['accounts', 'audit', 'auditing', 'desk', 'memoranda', 'orders', 'staff_api']\n"
        "apps += ['reconciliation', 'tasks']\n"
        "inner = ('allauth', *(f'khazana.portal.{app}.' for app in apps))\n"
        "names = ' '.join([*settings.INSTALLED_APPS, *settings.MIDDLEWARE])\n"
        "assert not [w for w in ('auth', 'session', 'allauth', 'desk') if w in names.lower()]\n"
        "assert not [m for m in sys.modules if m.startswith(inner)]\n"
        "for path in ('desk/', 'accounts/sign-in/', 'accounts/begin/x/', 'accounts/keys/'):\n"
        "    assert Client().get(f'/en/{path}', secure=True).status_code == 404, path\n"
        "answer = Client().get('/en/', secure=True)\n"
        "assert answer.status_code == 200 and not answer.cookies, answer.cookies\n"
    )
    clean = {name: value for name, value in os.environ.items() if "KHAZANA_PORTAL" not in name}
    environment = {
        **clean,
        "DJANGO_SETTINGS_MODULE": "khazana.portal.project.settings",
        "KHAZANA_PORTAL_DIR": str(tmp_path),
        "KHAZANA_PORTAL_HOSTS": "testserver",
    }
    command = [sys.executable, "-c", program.replace("call_command('migrate'", STATIC)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment)
    assert ended.returncode == 0, ended.stderr


STATIC = "call_command('collectstatic', interactive=False, verbosity=0)\ncall_command('migrate'"


def test_the_configuration_with_the_desk_is_fit_for_deployment(tmp_path):
    fit = portal(tmp_path, "check", "--desk", KHAZANA_PORTAL_HOSTS="desk.example")
    assert fit.returncode == 0, fit.stderr
    unfit = portal(tmp_path, "check", "--desk", KHAZANA_PORTAL_PLAIN_HTTP="1")
    assert unfit.returncode == 1
