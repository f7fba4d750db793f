"""What the portal's tests share; without Django they are skipped."""

import pytest

from tests.portal.publication import write_publication
from tests.reserve.world import story

pytest.importorskip("django")


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
