"""Test data that lies beside the project: present on a developer's machine, absent elsewhere."""

import os
from pathlib import Path

import pytest

SHARED = Path(
    os.environ.get("KHAZANA_SHARED", Path(__file__).resolve().parents[1].parent / "shared")
)


def shared_file(name: str) -> Path:
    """The path of a shared file such as `vectors/tx_valid.json`.

    Where it is absent the test is skipped with the reason; with KHAZANA_REQUIRE_SHARED=1 it fails,
    so that the project's own pipeline can never skip by accident.
    """
    path = SHARED / name
    if not path.exists():
        if os.environ.get("KHAZANA_REQUIRE_SHARED") == "1":
            pytest.fail(f"{path} is missing and KHAZANA_REQUIRE_SHARED=1")
        pytest.skip(f"test data {name} is not beside the project ({SHARED})")
    return path
