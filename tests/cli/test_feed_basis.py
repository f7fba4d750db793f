"""What a published verdict says of where its signer looked."""

from types import SimpleNamespace

import pytest

from khazana.accord.feed.records import FailedFile
from khazana.accord.feed.verdicts import Judged
from khazana.bitcoin.chain import Basis, BasisKind, BlockRef
from khazana.bitcoin.network import REGTEST
from khazana.cli.feed_basis import Published, public_basis
from khazana.statement.checks import CheckResult, Finding, Profile, Report, ReportLine, Verdict

INNER = "word of a server of the witness's own network ("
TIP = BlockRef(7, "00" * 32)


def chain(kind, source):
    return SimpleNamespace(network=REGTEST, basis=Basis(kind, source))


@pytest.mark.parametrize(
    ("kind", "source", "said"),
    [
        (BasisKind.OWN_BLOCKS, "block files in /srv/clerk/node", "own blocks (block files, "),
        (BasisKind.OWN_INDEX, "http://10.1.2.3:8332", "own index (own node, "),
        (BasisKind.WORD_OF, "https://blockstream.info/api", "word of blockstream.info ("),
        (
            BasisKind.WORD_OF,
            "http://127.0.0.1:3002",
            INNER,
        ),
        (
            BasisKind.WORD_OF,
            "http://esplora.lan",
            INNER,
        ),
        (BasisKind.WORD_OF, "http://node", INNER),
    ],
)
def test_whose_word_it_is_stays_and_the_place_goes(kind, source, said):
    basis = public_basis(chain(kind, source), TIP)
    assert basis.startswith(said)
    assert "regtest" in basis
    assert "block 7" in basis


def test_no_folder_of_ours_stays_anywhere_in_a_report_or_verdict(tmp_path):
    blocks, mirror = tmp_path / "blocks", tmp_path / "copy"
    seen = chain(BasisKind.OWN_BLOCKS, f"block files in {blocks}; every link")
    public = Published(f"blocks:{blocks}", seen, TIP, [mirror])
    told = f"as stated; {seen.basis}"
    result = CheckResult(
        name="x",
        verdict=Verdict.FAILED,
        basis=told,
        summary=f"{blocks}/blk00000.dat cannot be read",
        findings=(Finding("R1", f"in {blocks}", str(mirror)),),
    )
    line = ReportLine(title="x", required=True, result=result)
    found = public.report(Report(profile=Profile.ADDRESSES, subject=None, lines=(line,)))
    assert str(tmp_path) not in repr(found)
    assert (
        "as stated; own blocks (block files, regtest up to block 7" in found.lines[0].result.basis
    )
    judged = Judged(
        finding="contradicted",
        basis=told,
        reason=f"{mirror}/documents/00 is larger",
        failed=(FailedFile(check="x", text=str(mirror), where=""),),
    )
    assert str(tmp_path) not in repr(public.judged(judged))
