"""The portal's first page over ten thousand movements."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.cases.statements import ENTRIES, _world
from bench.measure import Case, measurement
from khazana.reserve.reading import read_reserve_statement


@measurement("portal_home_10000_movements")
def home() -> Iterator[Case]:
    """Server time of the first page, from SQLite; goal: under 50 ms.

    Beside it, what every visit would cost without a database: reading the statement's file again.
    """
    with tempfile.TemporaryDirectory() as folder:
        os.environ["KHAZANA_PORTAL_DIR"] = folder
        os.environ["DJANGO_SETTINGS_MODULE"] = "khazana.portal.project.settings_bare"
        import django
        from django.core.management import call_command
        from django.test import Client

        django.setup()
        from khazana.portal.statement.importing import import_folder

        call_command("migrate", interactive=False, verbosity=0)
        world, raw = _world()
        statements = Path(folder) / "publication" / "statements"
        statements.mkdir(parents=True)
        (statements / "0001.json").write_bytes(raw)
        import_folder(statements.parent, own=True, chain=world.chain)
        visitor = Client()

        def run() -> None:
            answer = visitor.get("/en/", headers={"host": "localhost"})
            if answer.status_code != 200 or b"<svg" not in answer.content:
                raise RuntimeError(f"the first page answers {answer.status_code}")

        yield Case(
            run=run,
            amount=1,
            unit="pages/s",
            peer=lambda: read_reserve_statement(raw),
            peer_name="reading the statement's file, without its page",
            note=f"{ENTRIES} movements, {len(raw) / 1e6:.1f} MB of statement",
        )
