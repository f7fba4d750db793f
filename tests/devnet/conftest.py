import pytest

pytest.importorskip("pbk", reason="the devnet profile is not installed")
pytest.importorskip("starlette", reason="the devnet profile is not installed")
