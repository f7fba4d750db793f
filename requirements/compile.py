"""Write the lock files: every package of a profile pinned, with the hashes of all its files.

Run by `make lock`. It asks the public package index only, whatever mirrors or wheel folders this
machine is set up with, so that the hashes are those which everybody else will see.
"""

import os
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROJECT = tomllib.loads((HERE.parent / "pyproject.toml").read_text(encoding="utf-8"))

# A profile locks the base dependencies and these extras. The first is the largest: the others are
# held to its versions, so that no two profiles ever disagree.
PROFILES = {
    "dev": ("dev",),
    "bench": ("bench",),
    "rooms": ("test",),
    "demo": ("demo",),
    "postgres": ("postgres",),
    "portal": ("portal",),
    "devnet": ("devnet",),
    "audit": ("audit",),
    "office": ("office",),
    "mining": ("mining",),
    "supervision": ("supervision",),
    "base": (),
}

HEADER = """\
# Profile "{profile}": {what}. Made by `make lock`; do not edit.
# Install with: pip install --require-hashes -r requirements/{profile}.lock
--only-binary :all:

"""


def requirements_of(extra: str) -> list[str]:
    """What an extra asks for, with the project's own extras written out."""
    found = []
    for requirement in PROJECT["project"]["optional-dependencies"][extra]:
        if requirement.startswith("khazana["):
            for name in requirement.removeprefix("khazana[").removesuffix("]").split(","):
                found += requirements_of(name)
        else:
            found.append(requirement)
    return found


def compile_profile(profile: str, extras: tuple[str, ...], held_to: str, scratch: Path) -> str:
    """The lock file's text, with no address and no path of this machine in it."""
    wanted = PROJECT["project"]["dependencies"] + PROJECT["build-system"]["requires"]
    for extra in extras:
        wanted = wanted + requirements_of(extra)
    source = scratch / f"{profile}.in"
    held = scratch / "held.txt"
    result = scratch / f"{profile}.txt"
    source.write_text("\n".join(sorted(set(wanted))) + "\n", encoding="utf-8")
    held.write_text(held_to, encoding="utf-8")
    command = [
        *(sys.executable, "-m", "piptools", "compile", "--quiet"),
        *("--generate-hashes", "--allow-unsafe", "--strip-extras", "--rebuild"),
        *("--no-annotate", "--no-header", "--no-emit-options", "--no-config"),
        *("--pip-args", "--only-binary :all:"),
        *("--constraint", str(held), "--output-file", str(result), str(source)),
    ]
    clean = {name: value for name, value in os.environ.items() if name != "PIP_FIND_LINKS"}
    subprocess.run(command, check=True, env={**clean, "PIP_CONFIG_FILE": os.devnull})
    text = result.read_text(encoding="utf-8")
    for forbidden in ("://", "find-links", "index-url", str(scratch), str(HERE.parent)):
        if forbidden in text:
            raise RuntimeError(f"{profile}.lock would contain {forbidden!r}; nothing was written")
    what = "base dependencies" + "".join(f" + {extra}" for extra in extras)
    return HEADER.format(profile=profile, what=what) + text


def pins(text: str) -> str:
    """The `name==version` lines of a lock file, to hold another one to them."""
    return "".join(
        line.split(" ")[0] + "\n" for line in text.splitlines() if "==" in line.split(" ")[0]
    )


def main() -> None:
    """Compile every profile, then write them all: a failure leaves the old files as they were."""
    locks: dict[str, str] = {}
    held_to = ""
    with tempfile.TemporaryDirectory() as scratch:
        for profile, extras in PROFILES.items():
            print(f"locking {profile} ...", flush=True)
            locks[profile] = compile_profile(profile, extras, held_to, Path(scratch))
            held_to = held_to or pins(locks[profile])
    for profile, text in locks.items():
        (HERE / f"{profile}.lock").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
