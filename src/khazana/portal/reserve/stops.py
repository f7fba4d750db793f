"""The five stops of a movement: transaction, wallets, document, statement, log."""

from typing import Any

from khazana.ledger.documents import Reason
from khazana.portal.reserve.models import FiguresRow, MovementRow, SetKind
from khazana.portal.reserve.pair import cached_value
from khazana.reserve.parts import DocumentBody


def stops_of(movement: MovementRow) -> dict[str, Any]:
    """Template variables of a movement's page."""
    entry, explanation = movement.value()
    statement = cached_value(movement.statement.root, movement.statement.sha256)
    wallets = FiguresRow.objects.filter(statement=movement.statement, kind=SetKind.WALLET)
    names = dict(wallets.values_list("ident", "name"))
    declared = {row.ident: row.body["declared"]["height"] for row in wallets}
    lines = [] if explanation is None else explanation.lines
    documents: dict[str, DocumentBody | None] = {
        line.document: statement.documents.get(line.document)
        for line in lines
        if line.document is not None
    }
    part = statement.envelope.parts_by_name.get(f"entry/{movement.txid}")
    return {
        "entry": entry,
        "lines": lines,
        "unexplained": [line for line in lines if line.reason == Reason.UNEXPLAINED.value],
        "documents": documents,
        "names": names,
        "declared": {wallet: declared.get(wallet) for wallet in names},
        "part": part,
        "leaf_digest": None if part is None else part.digest.hex(),
        "size": statement.envelope.size,
    }
