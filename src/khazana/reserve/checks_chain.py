"""Checks of a statement's chain: the network, the period's blocks, headers, scripts, inclusion."""

from collections.abc import Iterator
from datetime import UTC, datetime

from khazana.bitcoin.block import Header, merkle_proof_holds
from khazana.bitcoin.chain import BasisKind, BlockRef, HeightBeyondTip
from khazana.bitcoin.checkpoints import shipped_checkpoints
from khazana.bitcoin.headers import check_headers, median_time_past
from khazana.bitcoin.work import BadCompactTarget, meets_target
from khazana.ledger.documents import utc_text
from khazana.ledger.findings import Finding
from khazana.ledger.resolve import scripts_by
from khazana.ledger.seals import seal_commitment
from khazana.reserve.answers import Answer, answer
from khazana.reserve.bodies import block_ref, descriptor_source
from khazana.reserve.case import Case
from khazana.reserve.gather import headers_between
from khazana.reserve.parts import PeriodBody, ScriptsBody, WalletBody
from khazana.units import Height

HEADERS_LIMIT = (
    "Headers and Merkle branches prove what a block contains; that a source left nothing out, and "
    "that an output is unspent, they cannot prove."
)
UNDECLARED_LIMIT = (
    "Holdings outside the declared wallets cannot be seen: completeness is all history of the "
    "declared scripts, and a wallet nobody declared leaves no trace here."
)


def network(case: Case) -> Answer:
    """Whether the statement speaks of the network that the chain source serves."""
    chain, stated = case.required_chain(), case.statement.header.network
    findings = []
    if stated.genesis != chain.network.genesis:
        text = (
            f"the statement is about {stated.name} (genesis {stated.genesis}), the source serves "
            f"{chain.network.name} (genesis {chain.network.genesis})"
        )
        findings.append(Finding("R1", text, "the header"))
    return answer(basis=str(chain.basis), good=f"{stated.name}", findings=findings)


def period(case: Case) -> Answer:
    """Whether the period's blocks are in the best chain and deep enough, with their own times."""
    chain, header = case.required_chain(), case.statement.header
    findings = list(_blocks_missing(case, header.period))
    if not findings:
        findings = list(_depth_and_times(case))
    limits: tuple[str, ...] = ()
    if chain.basis.kind is BasisKind.WORD_OF:
        limits = ("Which chain is the best one is the source's word; your own node would know.",)
    span = header.period.until.height - header.period.after.height
    return answer(
        basis=str(chain.basis),
        good=f"{span} blocks, after {header.period.after.height} up to "
        f"{header.period.until.height}, closed at {header.period.until_mtp}",
        findings=findings,
        limits=limits,
    )


def _blocks_missing(case: Case, stated: PeriodBody) -> Iterator[Finding]:
    chain = case.required_chain()
    for where, body in (("opening block", stated.after), ("closing block", stated.until)):
        block = block_ref(body)
        try:
            best = chain.block_at(block.height)
        except HeightBeyondTip as error:
            yield Finding("R2", f"{error}", where)
            continue
        if best != block:
            text = (
                f"the statement names block {block.hash} at height {block.height}, the best chain "
                f"has {best.hash} there: the statement is to be superseded"
            )
            yield Finding("R2", text, where)


def _depth_and_times(case: Case) -> Iterator[Finding]:
    header, chain = case.statement.header, case.required_chain()
    after, until = block_ref(header.period.after), block_ref(header.period.until)
    depth = header.tip.height - until.height + 1
    if depth < header.min_depth:
        text = f"the closing block was {depth} deep when the statement was made"
        yield Finding("R2", f"{text}, less than the stated {header.min_depth}", "the header")
    tip = chain.tip()
    if tip.height - until.height + 1 < header.min_depth:
        text = f"at tip {tip.height} the closing block is {tip.height - until.height + 1} deep"
        yield Finding("R2", f"{text}, less than the stated {header.min_depth}", "the chain")
    for where, block, stated in (
        ("opening block", after, header.period.after_mtp),
        ("closing block", until, header.period.until_mtp),
    ):
        found = median_time_at(case, block)
        if found != stated:
            text = f"median time past is stated as {stated}, the chain has {found}"
            yield Finding("R2", text, where)


def median_time_at(case: Case, block: BlockRef) -> str:
    """A block's median time past, as it stands in statements."""
    first = Height(max(0, block.height - 10))
    headers = headers_between(case.required_chain(), first, block)
    return utc_text(datetime.fromtimestamp(median_time_past(headers), tz=UTC))


def headers(case: Case) -> Answer:
    """Whether the period's headers are linked, worked for and at the right difficulty."""
    facts = case.facts
    report = check_headers(
        facts.headers,
        first=facts.first_header,
        network=facts.network,
        checkpoints=shipped_checkpoints(facts.network),
        context=facts.after.height - facts.first_header + 1,
    )
    findings = [
        Finding(finding.rule, finding.problem, f"block {finding.block}")
        for finding in report.findings
    ]
    opening = facts.header_at(facts.after.height).hash
    if opening != facts.after.hash:
        # The source said so of each block by itself; its own headers say otherwise.
        text = f"the headers lead to {opening} there, not to the opening block {facts.after.hash}"
        findings.append(Finding("R2", text, f"block {facts.after.height}"))
    return answer(
        basis=f"{facts.basis}; {report.basis}",
        good=f"{len(facts.headers)} headers, work {report.work:.3e} hashes",
        findings=findings,
        limits=(HEADERS_LIMIT, *(f"Not checked: {text}." for text in report.unchecked)),
    )


def scripts(case: Case) -> Answer:
    """Whether each script is declared once, is counted, and follows from its descriptor."""
    statement = case.statement
    case.require("wallet", "scripts")
    findings: list[Finding] = []
    owner: dict[str, str] = {}
    for wallet, body in statement.wallets.items():
        where = f"wallet {wallet}"
        listed = statement.scripts.get(wallet)
        if listed is None:
            findings.append(Finding("R3", "it declares no scripts", where))
            continue
        if len(listed.scripts) != body.script_count:
            text = f"{body.script_count} scripts are counted, {len(listed.scripts)} are listed"
            findings.append(Finding("R3", text, where))
        findings.extend(Finding("R3", text, where) for text in _seal_problems(body, listed))
        for script in listed.scripts:
            if script in owner:
                text = f"script {script} is declared by {owner[script]} already"
                findings.append(Finding("R3", text, where))
            owner.setdefault(script, wallet)
    for wallet in statement.scripts.keys() - statement.wallets.keys():
        findings.append(Finding("R3", "scripts of a wallet that is not stated", f"wallet {wallet}"))
    ranges = "; ".join(
        f"{d.wallet}: "
        + ", ".join(f"branch {b.branch} indexes 0 to {b.stop - 1}" for b in d.branches)
        + f", {d.gap} of them unused at the end"
        for d in statement.descriptors.values()
    )
    for wallet, described in statement.descriptors.items():
        listed = statement.scripts.get(wallet)
        if listed is None:
            continue  # the wallet above declares no scripts, or the file was refused
        text = "the scripts listed are not those that the descriptor gives"
        # Counted first: a range of two thousand million scripts would never be done.
        counted = sum(branch.stop for branch in described.branches) == len(listed.scripts)
        source = descriptor_source(described)
        if not counted or listed.scripts != [
            script.hex() for script in scripts_by(case.engine, case.network)(source)
        ]:
            findings.append(Finding("R3", text, f"wallet {wallet}"))
    withheld = statement.withheld("descriptor")
    limits = []
    if ranges:
        limits.append(f"Scripts beyond the stated index ranges are not looked for ({ranges}).")
    if withheld:
        limits.append(
            f"{withheld} descriptors are withheld: that a wallet lists all its scripts is the "
            "office's word."
        )
    return answer(
        basis="the file itself",
        good=f"{len(owner)} scripts in {len(statement.wallets)} wallets, none twice",
        findings=findings,
        limits=(*limits, UNDECLARED_LIMIT),
    )


def _seal_problems(wallet: WalletBody, listed: ScriptsBody) -> Iterator[str]:
    """A seal that was opened must open to these very scripts, and lie before the declaration."""
    if wallet.seal is None:
        return
    if wallet.seal.block.height > wallet.declared.height:
        yield "its seal is younger than its declaration"
    if wallet.seal.salt is None:
        yield "its seal was not opened: the salt is missing"
        return
    scripts = [bytes.fromhex(script) for script in listed.scripts]
    if seal_commitment(scripts, bytes.fromhex(wallet.seal.salt)) != wallet.seal.commitment:
        yield "its seal does not open to these scripts"


def inclusion(case: Case) -> Answer:
    """Whether every transaction of the scripts is in its block, by its Merkle branch."""
    facts = case.facts
    findings = []
    for confirmed in facts.history:
        header = facts.header_at(confirmed.block.height)
        where = f"transaction {confirmed.txid}"
        if header.hash != confirmed.block.hash:
            text = f"it is said to be in {confirmed.block}, the header there is {header.hash}"
            findings.append(Finding("R4", text, where))
            continue
        proven = merkle_proof_holds(
            confirmed.transaction,
            position=confirmed.position,
            branch_le=confirmed.branch_le,
            root_le=header.merkle_root_le,
        )
        if not proven:
            findings.append(Finding("R4", f"it is not in {confirmed.block}", where))
        if not _worked_for(header):
            text = f"the header of {confirmed.block} has no proof of work"
            findings.append(Finding("R4", text, where))
    unlinked = len(facts.earlier_headers)
    limits: tuple[str, ...] = ()
    if unlinked:
        limits = (
            f"{unlinked} blocks before height {facts.first_header} were checked one by one, each "
            "by its own proof of work; that they are one chain is the source's word.",
        )
    return answer(
        basis=f"{facts.basis}, Merkle branches",
        good=f"{len(facts.history)} transactions, each in its block",
        findings=findings,
        limits=limits,
    )


def _worked_for(header: Header) -> bool:
    try:
        return meets_target(header.hash_le, header.bits)
    except BadCompactTarget:
        return False
