"""The portal's own commands, each in a process as a person would start it."""

import os
import subprocess
import sys


def portal(data, *words, **more):
    command = [sys.executable, "-m", "khazana.portal", "--data", str(data), *words]
    clean = {name: value for name, value in os.environ.items() if "KHAZANA_PORTAL" not in name}
    return subprocess.run(
        command, capture_output=True, text=True, timeout=120, env={**clean, **more}
    )
