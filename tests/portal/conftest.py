"""What the portal's tests share; without Django they are skipped."""

import os
from pathlib import Path

import pytest

from tests.portal.publication import write_publication
from tests.reserve.world import story

pytest.importorskip("django")

HERE = Path(__file__).parent
DATABASE_FIXTURES = {"db", "transactional_db"}


def pytest_collection_modifyitems(config, items):
    """On another database than the usual one only what asks it: the rest answers as it did."""
    if not os.environ.get("KHAZANA_PORTAL_DATABASE"):
        return
    gone = [item for item in items if HERE in item.path.parents and not _asks_database(item)]
    config.hook.pytest_deselected(items=gone)
    items[:] = [item for item in items if item not in set(gone)]


def _asks_database(item):
    marks = (item.get_closest_marker(name) for name in ("django_db", "any_database"))
    return any(marks) or not DATABASE_FIXTURES.isdisjoint(getattr(item, "fixturenames", ()))


@pytest.fixture
def published(db, tmp_path):
    """The database after an import of the story's publication folder."""
    from khazana.portal.statement.importing import import_folder  # models need Django's set-up

    folder = write_publication(tmp_path / "publication")
    import_folder(folder, own=True, chain=story().world.chain)
    return folder


@pytest.fixture(autouse=True)
def own_data_folder(settings, tmp_path):
    """What one test prints is not what another finds."""
    settings.DATA_DIR = tmp_path / "portal-data"
