"""Sealed wallets that an office has shown since: which statement opens which commitment."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from khazana.errors import KhazanaError
from khazana.ledger.seals import seal_commitment
from khazana.reserve.reading import read_reserve_statement


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedSeal:
    """A wallet shown with its salt. commitment: what scripts and salt give, computed here.

    root, document: the statement that shows it, and the digest of the file.
    """

    root: str
    document: str
    wallet: str
    scripts: int
    commitment: str


def opened_seals(
    disclosures: Mapping[str, Sequence[str]], documents: Callable[[str], bytes | None]
) -> dict[str, OpenedSeal]:
    """By the commitment that a statement claims to open, the first statement that does.

    disclosures: digests of files by the statement's root. What cannot be read opens nothing.
    """
    found: dict[str, OpenedSeal] = {}
    for root, digests in disclosures.items():
        for digest in digests:
            try:
                raw = documents(digest)
                statement = None if raw is None else read_reserve_statement(raw)
            except KhazanaError:
                continue
            if statement is None or statement.root != root:
                continue
            for name, wallet in statement.wallets.items():
                listed = statement.scripts.get(name)
                if wallet.seal is None or wallet.seal.salt is None or listed is None:
                    continue
                scripts = [bytes.fromhex(each) for each in listed.scripts]
                opened = OpenedSeal(
                    root=root,
                    document=digest,
                    wallet=name,
                    scripts=len(scripts),
                    commitment=seal_commitment(scripts, bytes.fromhex(wallet.seal.salt)),
                )
                found.setdefault(wallet.seal.commitment, opened)
    return found
