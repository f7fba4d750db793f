"""The two sites' statement, imported."""

import pytest

pytest.importorskip("django")


@pytest.fixture
def mined(db, tmp_path):
    from khazana.portal.statement.importing import import_folder
    from khazana.portal.statement.models import StatementRow
    from tests.portal.mining.mine import mine

    folder = mine().publish(tmp_path / "publication")
    import_folder(folder, own=True, chain=mine().world.chain)
    return StatementRow.objects.get()
