"""A rotation as text for people, and as a value that a statement can carry."""

from collections.abc import Mapping
from typing import Any

from khazana.custody.rotation import Rotation
from khazana.units import Sats, btc_from_sats

ROTATION_FORMAT = "khazana.custody.rotation/1"


def story_of(rotation: Rotation) -> str:
    """The rotation in plain sentences, in the order it happened."""
    link = rotation.link
    lines = [
        f"Wallet {link.new} stands in for wallet {link.old} from the end of block {link.since} on.",
        f"Reason: {link.reason}",
        f"At the end of that block {link.old} held {_btc(rotation.held)}.",
    ]
    for move in rotation.moves:
        lines.append(
            f"Block {move.block.height}: {_btc(move.amount)} moved to {link.new}, fee "
            f"{_btc(move.fee)}, transaction {move.txid}."
        )
    for deposit in rotation.late:
        what = "Change came back to" if deposit.change else "A deposit reached"
        now = "moved on since" if deposit.spent else "still there"
        lines.append(
            f"Block {deposit.block.height}: {what} {link.old} after the rotation, "
            f"{_btc(deposit.amount)}, coin {deposit.outpoint}, {now}."
        )
    for departure in rotation.departures:
        lines.append(
            f"Block {departure.block.height}: {_btc(departure.amount)} left {link.old} for "
            f"{departure.target}, transaction {departure.txid}."
        )
    count = len(rotation.moves)
    lines.append(
        f"In all {_btc(rotation.moved)} moved in {count} transaction{'s' if count != 1 else ''}, "
        f"fees {_btc(rotation.fees)}."
    )
    end = "holds nothing" if rotation.complete else f"still holds {_btc(rotation.left)}"
    lines.append(f"At the end of block {rotation.until} {link.old} {end}; it stays watched.")
    return "\n".join(lines) + "\n"


def rotation_part(rotation: Rotation) -> tuple[str, Mapping[str, Any]]:
    """The name and body of an extension part of a statement (docs/methods/custody.md).

    Not critical: a reader who does not know it loses a story, no figure.
    """
    link = rotation.link
    body = {
        "format": ROTATION_FORMAT,
        "critical": False,
        "old": link.old,
        "new": link.new,
        "since": {"height": link.since.height, "hash": link.since.hash},
        "until": {"height": rotation.until.height, "hash": rotation.until.hash},
        "reason": link.reason,
        "held_sat": rotation.held,
        "moved_sat": rotation.moved,
        "fees_sat": rotation.fees,
        "left_sat": rotation.left,
        "moves": [
            {
                "txid": move.txid,
                "height": move.block.height,
                "amount_sat": move.amount,
                "fee_sat": move.fee,
            }
            for move in rotation.moves
        ],
        "late": [
            {
                "coin": str(deposit.outpoint),
                "height": deposit.block.height,
                "amount_sat": deposit.amount,
                "change": deposit.change,
                "spent": deposit.spent,
            }
            for deposit in rotation.late
        ],
        "departures": [
            {
                "txid": departure.txid,
                "height": departure.block.height,
                "target": departure.target,
                "amount_sat": departure.amount,
            }
            for departure in rotation.departures
        ],
    }
    return f"x-custody/rotation/{link.old}", body


def _btc(amount: Sats) -> str:
    return f"{btc_from_sats(amount)} BTC"
