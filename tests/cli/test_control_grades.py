"""Grades below a quorum's own proof: cosigners' messages and moves on the chain, and their lies."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from khazana.bitcoin.chain import BlockRef
from khazana.bitcoin.descriptor import parse_descriptor
from khazana.bitcoin.network import REGTEST
from khazana.bitcoin.transaction import OutPoint, Transaction, TxIn, TxOut
from khazana.custody.closing import ClosingCoin
from khazana.custody.control_evidence import MOVED_TYPE, cosigned_evidence, moved_evidence
from khazana.custody.cosigners import can_spend_at_once
from khazana.custody.coverage import ControlGrade
from khazana.custody.message import ControlMessage
from khazana.custody.moves import commitment_script
from khazana.custody.policy import key_id
from khazana.statement.checks import Report, Verdict
from khazana.statement.envelope import Evidence
from khazana.statement.evidence import evidence_of
from khazana.units import BlockHash, Height, Sats, Txid
from tests.cli.proved import DESCRIPTORS, SIGNERS, Told, told
from tests.cli.test_control import changed, control
from tests.custody.signing import message_signature, single_key_proof, spend
from tests.reserve.simulator import BTC, OUTSIDER

KEYS = {
    name: key_id(descriptor.keys[place])
    for descriptor, names in (
        (DESCRIPTORS["vault"], ("anna", "bo", "cia")),
        (DESCRIPTORS["till"], ("dara",)),
        (DESCRIPTORS["modern"], ("esa",)),
    )
    for place, name in enumerate(names)
}


def by(name: str, message: ControlMessage, *, signer: str | None = None, index: int = 0, **more):
    signature = message_signature(signer or name, message.text, index=index)
    return {"key": KEYS[name], "branch": 0, "index": index, "signature": signature, **more}


def cosigned(
    signatures: dict[str, list[dict[str, Any]]] | None = None,
    *,
    message: ControlMessage | None = None,
) -> Evidence:
    """Messages of two cosigners of the vault and of the single keys, unless said otherwise."""
    message = message or told().message()
    if signatures is None:
        signatures = {
            wallet: [by(name, message) for name in names] for wallet, names in SIGNERS.items()
        }
    statement = replace(told().statement, root=message.root)
    item = cosigned_evidence(message, signatures, statement)
    fields = {**item.fields, "subject_root": told().statement.root}
    return Evidence(item.type, told().statement.root, fields)


def rows(report: Report) -> dict[str, tuple[str, ...]]:
    """The table that `verify` prints, by its first column."""
    table = report.result("control").table
    assert table is not None
    return {row[0]: row[1:] for row in table.rows}


def test_cosigners_messages_are_a_grade_of_their_own_that_a_reader_may_accept():
    report = told().check(cosigned())
    verdict, rules, words = control(report)
    assert (verdict, rules) == (Verdict.NOT_CHECKABLE, set())
    assert "wallet vault: 2 of 3 keys signed alone, enough to spend at once" in words
    total = sum(coin.amount for coin in told().coins)
    grade = ControlGrade.COSIGNERS.value
    assert rows(report)[grade][:3] == (str(total), "100.0 %", "4")
    assert f"block {told().end.height} (the closing block" in rows(report)[grade][3]
    accepted = told().check(cosigned(), lowest=ControlGrade.COSIGNERS)
    assert accepted.exit_status == 0
    assert any("not that the coins' scripts accept" in limit for limit in accepted.limits)


def test_a_cosigner_may_sign_as_bip_322_with_any_of_its_addresses():
    message = told().message()
    mixed = [
        by("anna", message, signature=single_key_proof("anna", message.text)),
        by("cia", message, index=7),
    ]
    report = told().check(cosigned({"vault": mixed}))
    assert rows(report)[ControlGrade.COSIGNERS.value][:3] == (str(31 * BTC), "73.8 %", "2")


def test_proofs_of_a_quorum_stay_the_better_grade():
    report = told().check(told().proofs(told().campaign()), cosigned())
    assert report.exit_status == 0
    assert set(rows(report)) == {ControlGrade.SCRIPT.value, "all closing coins"}


def test_one_cosigner_counted_twice_fails():
    message = told().message()
    for second in (by("anna", message), by("anna", message, index=1)):
        item = cosigned({"vault": [by("anna", message), second]})
        verdict, rules, words = control(told().check(item))
        assert (verdict, rules) == (Verdict.FAILED, {"C4"})
        assert "one cosigner is counted twice" in words


def test_one_cosigner_of_two_is_no_proof():
    report = told().check(cosigned({"vault": [by("bo", told().message())]}))
    verdict, rules, words = control(report)
    assert (verdict, rules) == (Verdict.NOT_CHECKABLE, set())
    assert "1 of 3 keys signed alone, too few" in words
    assert set(rows(report)) == {ControlGrade.NONE.value, "all closing coins"}


def test_a_key_beside_a_preimage_that_perhaps_nobody_knows_does_not_suffice():
    """A wallet locked to an unknown preimage is burnt: its key alone proves no control."""
    keys = [KEYS[name] + "/<0;1>/*" for name in ("anna", "bo")]
    signed = frozenset({KEYS["anna"]})
    locked = f"wsh(and_v(v:pk({keys[0]}),sha256({'ab' * 32})))"
    assert not can_spend_at_once(parse_descriptor(locked, REGTEST), signed)
    either = f"wsh(or_d(pk({keys[0]}),and_v(v:pk({keys[1]}),sha256({'ab' * 32}))))"
    assert can_spend_at_once(parse_descriptor(either, REGTEST), signed)


def test_messages_about_another_root_or_an_earlier_block_fail():
    other = told().message(root="cd" * 32)
    assert control(told().check(cosigned(message=other)))[:2] == (Verdict.FAILED, {"C2"})
    before = told().world.chain.block_at(Height(told().end.height - 1))
    early = cosigned(message=told().message(block=before))
    assert control(told().check(early))[:2] == (Verdict.FAILED, {"C3"})


def test_a_signature_of_another_message_put_under_this_one_fails():
    other = told().message(root="cd" * 32)
    item = cosigned({"till": [by("dara", other)]})
    assert control(told().check(item))[:2] == (Verdict.FAILED, {"C7"})


def test_a_signature_by_somebody_else_in_a_cosigners_name_fails():
    message = told().message()
    item = cosigned({"vault": [by("anna", message), by("cia", message, signer="bo")]})
    assert control(told().check(item))[:2] == (Verdict.FAILED, {"C7"})


def test_a_key_that_is_not_in_the_wallet_fails():
    item = cosigned({"till": [by("anna", told().message())]})
    verdict, rules, words = control(told().check(item))
    assert (verdict, rules) == (Verdict.FAILED, {"C7"})
    assert "no key of the wallet" in words


def test_one_signature_for_two_wallets_fails():
    message = told().message()
    one = by("dara", message)
    item = cosigned({"till": [one], "modern": [by("esa", message, signature=one["signature"])]})
    assert control(told().check(item))[:2] == (Verdict.FAILED, {"C7"})


def test_a_wallet_without_closing_coins_and_one_named_twice_fail():
    message = told().message()
    nowhere = cosigned({"cellar": [by("anna", message)]})
    assert control(told().check(nowhere))[:2] == (Verdict.FAILED, {"C5"})
    twice = cosigned({"till": [by("dara", message)]})
    twice = changed(twice, wallets=[*twice.fields["wallets"]] * 2)
    assert control(told().check(twice))[:2] == (Verdict.FAILED, {"C4"})


def test_an_index_that_no_key_has_fails():
    item = cosigned({"till": [by("dara", told().message(), branch=2)]})
    assert control(told().check(item))[:2] == (Verdict.FAILED, {"C1"})


def test_without_the_descriptor_nobody_can_tell_whose_keys_they_are():
    verdict, rules, words = control(told().check(cosigned(), level="full"))
    assert (verdict, rules) == (Verdict.NOT_CHECKABLE, set())
    assert "the descriptor of vault is not shown to you" in words


@pytest.mark.parametrize("change", [{"wallets": []}, {"extra": 1}, {"message": 5}])
def test_messages_of_another_shape_fail(change):
    report = told().check(changed(cosigned(), **change))
    assert "evidence" in report.failed


# Moves


class Moving(Told):
    """The same office after some of its coins moved on."""

    def index(self, script: bytes) -> tuple[str, int]:
        return next((n, s.index(script)) for n, s in self.scripts.items() if script in s)

    def move(
        self,
        coins: Sequence[ClosingCoin],
        targets: Sequence[bytes],
        *,
        message: ControlMessage | None = None,
        hash_type: int = 1,
        beside: OutPoint | None = None,
    ) -> tuple[Txid, BlockRef]:
        """Coins spent in equal parts to scripts, signed by their keys, in a block of its own."""
        inputs = [TxIn(coin.outpoint, b"", 0xFFFFFFFD) for coin in coins]
        share = (sum(coin.amount for coin in coins) - 1_000) // max(1, len(targets))
        outputs = [TxOut(Sats(share), target) for target in targets]
        if message is not None:
            outputs.append(TxOut(Sats(0), commitment_script(message)))
        unsigned = Transaction(2, tuple(inputs), tuple(outputs), 0)
        spent = []
        for coin in coins:
            name, index = self.index(coin.script)
            output = TxOut(coin.amount, coin.script)
            spent.append((output, DESCRIPTORS[name], index, SIGNERS[name]))
        signed = spend(unsigned, spent, hash_type=hash_type)
        if beside is not None:
            signed = replace(signed, inputs=(*signed.inputs, TxIn(beside, b"", 0)))
        self.world.waiting.append(signed)
        return signed.txid, self.world.mine()

    def evidence(
        self, *moves: tuple[Txid, BlockRef], message: ControlMessage | None = None
    ) -> Evidence:
        return moved_evidence(moves, self.statement, message)


@pytest.fixture
def office() -> Moving:
    return Moving()


def vault(office: Told) -> list[ClosingCoin]:
    return [coin for coin in office.coins if coin.wallet == "vault"]


def test_a_move_that_names_the_statement_proves_as_well_as_a_signed_message(office):
    message = office.message()
    move = office.move(office.coins, [office.scripts["vault"][2]], message=message)
    report = office.check(office.evidence(move, message=message))
    assert report.exit_status == 0, control(report)
    grade = ControlGrade.NAMED_MOVE.value
    assert rows(report)[grade][1] == "100.0 %"
    assert rows(report)[grade][3].startswith(f"block {move[1].height} (")
    assert "6 closing coins" in control(report)[2]


def test_a_move_to_fresh_declared_addresses_is_the_lowest_grade(office):
    move = office.move(vault(office), [office.scripts["vault"][2], office.scripts["modern"][0]])
    report = office.check(office.evidence(move))
    assert control(report)[0] is Verdict.NOT_CHECKABLE
    assert rows(report)[ControlGrade.MOVE.value][:3] == (str(31 * BTC), "73.8 %", "2")
    rest = [coin for coin in office.coins if coin.wallet != "vault"]
    second = office.move(rest, [office.scripts["till"][2]])
    report = office.check(office.evidence(move, second), lowest=ControlGrade.MOVE)
    assert report.exit_status == 0
    assert any("declared before it rests on" in limit for limit in report.limits)


def test_a_move_after_the_proofs_is_recorded_beside_them(office):
    move = office.move(vault(office), [office.scripts["vault"][2]])
    report = office.check(office.proofs(office.campaign()), office.evidence(move))
    assert report.exit_status == 0
    words = control(report)[2]
    assert f"3 closing coins of {31 * BTC} sat were moved to fresh declared addresses" in words
    assert set(rows(report)) == {ControlGrade.SCRIPT.value, "all closing coins"}


def test_a_move_to_used_or_undeclared_addresses_proves_nothing(office):
    used = office.move(vault(office)[:1], [office.scripts["till"][0]])
    paid = office.move(vault(office)[1:], [OUTSIDER])
    verdict, rules, words = control(office.check(office.evidence(used, paid)))
    assert (verdict, rules) == (Verdict.NOT_CHECKABLE, set())
    assert "were used before the closing block" in words
    assert "the statement does not declare" in words
    assert "0 of" in words


def test_coins_that_were_burnt_were_not_moved_to_fresh_addresses(office):
    """Neither to the miners nor into an output that nobody can spend."""
    fees = office.move(vault(office)[:1], [], message=office.message())
    burnt = office.move(vault(office)[1:], [office.scripts["vault"][2], b"\x6a"])
    verdict, rules, words = control(office.check(office.evidence(fees, burnt)))
    assert (verdict, rules) == (Verdict.NOT_CHECKABLE, set())
    assert "it pays no address" in words
    assert "the statement does not declare" in words
    assert "0 of" in words


def test_a_move_before_the_statement_was_made_is_to_addresses_nobody_knew(office):
    """It was mined after the closing block, and seen on the chain when the statement was made."""
    move = office.move(vault(office), [office.scripts["vault"][2]])
    start = office.world.chain.block_at(Height(office.end.height - 2))
    office.world.mine(8)
    office.statement = office.world.made(start, office.end).statement
    verdict, _, words = control(office.check(office.evidence(move)))
    assert verdict is Verdict.NOT_CHECKABLE
    assert "were not declared beforehand" in words


def test_a_move_before_the_closing_block_fails(office):
    early = office.world.chain.block_at(Height(office.end.height - 1))
    item = office.evidence((office.coins[0].outpoint.txid, early))
    verdict, rules, words = control(office.check(item))
    assert (verdict, rules) == (Verdict.FAILED, {"C3"})
    assert "not after the closing block" in words


def test_a_move_in_a_block_that_never_was_or_in_another_block_fails(office):
    txid, block = office.move(vault(office), [office.scripts["vault"][2]])
    never = BlockRef(block.height, BlockHash("77" * 32))
    assert control(office.check(office.evidence((txid, never))))[:2] == (Verdict.FAILED, {"C3"})
    other = office.world.mine()
    assert control(office.check(office.evidence((txid, other))))[:2] == (Verdict.FAILED, {"C8"})


def test_a_move_of_somebody_elses_coins_fails(office):
    txid = office.world.fund(office.scripts["vault"][2], 5 * BTC)
    block = office.world.mine()
    verdict, rules, words = control(office.check(office.evidence((txid, block))))
    assert (verdict, rules) == (Verdict.FAILED, {"C8"})
    assert "spends no closing coin" in words


def test_a_move_that_names_another_statement_does_not_name_this_one(office):
    other = office.message(root="cd" * 32)
    move = office.move(vault(office), [OUTSIDER], message=other)
    verdict, _, words = control(office.check(office.evidence(move, message=office.message())))
    assert verdict is Verdict.NOT_CHECKABLE
    assert "no output of it holds the message's hash" in words
    report = office.check(office.evidence(move, message=other))
    assert control(report)[:2] == (Verdict.FAILED, {"C2"})


@pytest.mark.parametrize(("hash_type", "reason"), [(0x02, "sighash"), (0x81, "sighash")])
def test_a_named_move_whose_signatures_leave_outputs_or_inputs_open_is_not_sure(
    office, hash_type, reason
):
    message = office.message()
    move = office.move(vault(office), [OUTSIDER], message=message, hash_type=hash_type)
    verdict, _, words = control(office.check(office.evidence(move, message=message)))
    assert verdict is Verdict.NOT_CHECKABLE
    assert f"[{reason}]" in words


def test_a_named_move_with_an_unknown_input_is_not_sure(office):
    message = office.message()
    stranger = OutPoint(Txid("55" * 32), 0)
    move = office.move(vault(office), [OUTSIDER], message=message, beside=stranger)
    verdict, _, words = control(office.check(office.evidence(move, message=message)))
    assert verdict is Verdict.NOT_CHECKABLE
    assert "no closing coin, so its signatures were not judged" in words


def test_one_move_given_twice_fails(office):
    move = office.move(vault(office), [office.scripts["vault"][2]])
    assert control(office.check(office.evidence(move, move)))[:2] == (Verdict.FAILED, {"C4"})


def test_moves_of_another_shape_fail():
    odd = evidence_of(MOVED_TYPE, told().statement, moves=[])
    assert "evidence" in told().check(odd).failed
