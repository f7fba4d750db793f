"""The coverage tests' provider as it would publish itself: two epochs, countersigned."""

import json
from pathlib import Path

from khazana.statement.dsse import joined, sign
from khazana.statement.office_file import write_office
from khazana.supervision.coverage.countersign import attach_recomputation
from khazana.supervision.solvency.epoch import PAYLOAD_TYPE, epoch_bytes
from tests.supervision.coverage.scene import REGULATOR, Scene, honest, recomputed
from tests.supervision.solvency.trees import level_bytes

SLUG = "exchange"


def write_covered(folder: Path, scene: Scene | None = None) -> Path:
    """providers/exchange/ and the regulator's identity; gives the provider's folder."""
    scene = scene or honest()
    home = folder / "providers" / scene.world.name
    home.mkdir(parents=True)
    (home.parent / "regulator.json").write_bytes(write_office(REGULATOR))
    (home / "office.json").write_bytes(write_office(scene.world.identity))
    for number, told in scene.told.items():
        place = home / f"{number:04}"
        place.mkdir()
        signed = joined(
            [sign(PAYLOAD_TYPE, epoch_bytes(told.epoch), key) for key in scene.world.keys[:2]]
        )
        (place / "epoch.json").write_text(json.dumps(signed.to_json()))
        for tree in (told.tree, told.dollars):
            asset = tree.plan.tree.asset.name
            (place / f"liabilities-{asset}.level.bin").write_bytes(level_bytes(tree))
        envelope = recomputed(told.epoch)
        (place / "recomputed.json").write_text(json.dumps(envelope.to_json()))
        statement = attach_recomputation(told.statement, envelope)
        (place / "coverage.json").write_bytes(scene.signed(statement))
    return home
