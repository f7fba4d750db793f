"""A campaign: every closing coin's keys sign one message, and what is sent to whom for that."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from khazana.bitcoin.bip322.transactions import to_sign, to_spend
from khazana.bitcoin.bip322.verdict import Variant
from khazana.bitcoin.descriptor import Descriptor, DescriptorEngine, DescriptorNotDerivable
from khazana.bitcoin.script import ScriptKind, classify
from khazana.bitcoin.transaction import Transaction, TxIn, TxOut
from khazana.custody.campaign_psbt import RoundInput, round_psbt
from khazana.custody.closing import Closing, ClosingCoin
from khazana.custody.exposure import Exposure, exposure_of
from khazana.custody.finalize import Waits
from khazana.custody.message import ControlMessage
from khazana.custody.policy import Lock, LockKind, key_id, keys_in, policy_of
from khazana.custody.signing_scripts import SigningScripts, signing_scripts
from khazana.custody.ways import Way, fewest_keys, ways_of
from khazana.errors import KhazanaError

MOST_INPUTS = 250
"""Inputs of one proof of funds: what a Coldcard was tested with."""

_TIMELOCKS = frozenset({"older", "after"})


_RELATIVE = (LockKind.BLOCKS, LockKind.SECONDS)
_TIME_BIT, _STEP_S = 1 << 22, 512


@dataclass(eq=False, kw_only=True)
class NoSuchWay(KhazanaError):
    """A recovery path is asked for that the wallet does not have."""

    wallet: str
    way: int
    ways: int
    code = "no_such_way"
    words = (
        "wallet {wallet} has {ways} ways to spend that wait, so none with the number {way}; "
        "`khazana custody describe` lists them"
    )


@dataclass(frozen=True)
class CampaignWallet:
    """A wallet whose keys are asked to sign.

    branches: (branch, stop): indexes 0 to stop, not included, are the wallet's.
    batch: prove all coins in one proof of funds, one round on each device. Devices that do not
    know proofs of funds need one file per address.
    recovery: 0 for the ways that are open at once; n for the n-th way that waits, in the order of
    `ways_of`. Its proof holds for whoever waits so long.
    """

    id: str
    descriptor: Descriptor
    branches: Sequence[tuple[int, int]]
    batch: bool = False
    recovery: int = 0

    @cached_property
    def ways(self) -> tuple[Way, ...]:
        """The ways whose keys are asked; NoSuchWay where the policy has no such one."""
        every = ways_of(policy_of(self.descriptor))
        if not self.recovery:
            return tuple(way for way in every if way.open_at_once) or every[:1]
        waiting = [way for way in every if not way.open_at_once]
        if self.recovery > len(waiting):
            raise NoSuchWay(wallet=self.id, way=self.recovery, ways=len(waiting))
        return (waiting[self.recovery - 1],)

    @cached_property
    def needed(self) -> int:
        """How many keys must sign at the least."""
        return min(fewest_keys(way) for way in self.ways)

    @cached_property
    def asked(self) -> frozenset[str]:
        """The keys that can sign, by `key_id`."""
        return frozenset(key_id(key) for way in self.ways for key in keys_in(way.who))

    @cached_property
    def waits(self) -> Waits:
        """What the transaction must say for the locks of the way to open."""
        locks = [lock for way in self.ways[:1] for lock in way.waits]
        ages = [_sequence(lock) for lock in locks if lock.kind in _RELATIVE]
        times = [lock.value for lock in locks if lock.kind not in _RELATIVE]
        return Waits(max(ages, default=0), max(times, default=0))


@dataclass(frozen=True, slots=True)
class Round:
    """One file to sign: a proof of one script, or of many coins of one wallet.

    inputs: the challenge first, then the coins of a proof of funds.
    psbt: what goes out, without any signature.
    """

    name: str
    wallet: CampaignWallet
    variant: Variant
    unsigned: Transaction
    inputs: tuple[RoundInput, ...]
    psbt: bytes

    @property
    def script(self) -> bytes:
        """The script whose address the message is signed for."""
        return self.inputs[0].scripts.output

    @property
    def spent(self) -> tuple[TxOut, ...]:
        return tuple(each.spent for each in self.inputs)


@dataclass(frozen=True, slots=True)
class Unplanned:
    """A closing coin that the campaign cannot prove, and why."""

    coin: ClosingCoin
    why: str


@dataclass(frozen=True, slots=True)
class Campaign:
    """exposures: what the proofs will show that the chain does not show yet."""

    message: ControlMessage
    closing: Closing
    wallets: tuple[CampaignWallet, ...]
    rounds: tuple[Round, ...]
    unplanned: tuple[Unplanned, ...]
    exposures: tuple[Exposure, ...]


def plan_campaign(
    wallets: Iterable[CampaignWallet],
    closing: Closing,
    *,
    message: ControlMessage,
    engine: DescriptorEngine,
    spent_from: Collection[bytes] = (),
) -> Campaign:
    """Which scripts are proved how, with a PSBT for each round.

    spent_from: scripts whose keys an earlier spend has shown already.
    Coins are taken in the order of wallets, then of the file; the same input gives the same files.
    """
    rounds: list[Round] = []
    unplanned: list[Unplanned] = []
    exposures: list[Exposure] = []
    known = {wallet.id: wallet for wallet in wallets}
    for coin in closing.coins:
        if coin.wallet not in known:
            unplanned.append(Unplanned(coin, "no descriptor of its wallet is known"))
    for wallet in known.values():
        places = _places(wallet, engine)
        found: dict[bytes, tuple[SigningScripts, int, int]] = {}
        coins: list[ClosingCoin] = []
        for coin in (c for c in closing.coins if c.wallet == wallet.id):
            if coin.script not in places:
                unplanned.append(Unplanned(coin, "its script is not in the descriptor's range"))
                continue
            if coin.script not in found:
                branch, index = places[coin.script]
                try:
                    scripts = signing_scripts(wallet.descriptor, engine, branch=branch, index=index)
                except DescriptorNotDerivable as refused:
                    unplanned.append(Unplanned(coin, str(refused)))
                    continue
                found[coin.script] = (scripts, branch, index)
                exposures.append(exposure_of(wallet.id, scripts, known=coin.script in spent_from))
            coins.append(coin)
        rounds += _rounds(wallet, coins, found, message)
    chosen = tuple(known.values())
    return Campaign(message, closing, chosen, tuple(rounds), tuple(unplanned), tuple(exposures))


def _places(wallet: CampaignWallet, engine: DescriptorEngine) -> dict[bytes, tuple[int, int]]:
    return {
        script: (branch, index)
        for branch, stop in wallet.branches
        for index, script in enumerate(
            engine.derive(wallet.descriptor, branch=branch, start=0, stop=stop)
        )
    }


def _rounds(
    wallet: CampaignWallet,
    coins: Sequence[ClosingCoin],
    found: dict[bytes, tuple[SigningScripts, int, int]],
    message: ControlMessage,
) -> list[Round]:
    """One round per script, or as few as hold all coins where the wallet can batch."""
    rounds: list[Round] = []
    # A signature before segwit does not cover the amount: such coins are proved script by script.
    if wallet.batch and coins and all(scripts.segwit for scripts, _, _ in found.values()):
        room = MOST_INPUTS - 1
        for start in range(0, len(coins), room):
            part = coins[start : start + room]
            rounds.append(
                _round(wallet, len(rounds) + 1, Variant.PROOF_OF_FUNDS, part, found, message)
            )
        return rounds
    for script in found:
        holder = next(coin for coin in coins if coin.script == script)
        scripts = found[script][0]
        native = classify(script).kind in (ScriptKind.P2WPKH, ScriptKind.P2WSH, ScriptKind.P2TR)
        timed = bool(_TIMELOCKS & set(wallet.descriptor.functions))
        # BIP-322: a simple signature is for native segwit without time locks.
        plain = native and scripts.segwit and not timed
        variant = Variant.SIMPLE if plain else Variant.FULL
        rounds.append(_round(wallet, len(rounds) + 1, variant, [holder], found, message))
    return rounds


def _round(
    wallet: CampaignWallet,
    number: int,
    variant: Variant,
    coins: Sequence[ClosingCoin],
    found: dict[bytes, tuple[SigningScripts, int, int]],
    message: ControlMessage,
) -> Round:
    text = message.text.encode("ascii")
    posed = to_spend(text, coins[0].script)
    unsigned = _waiting(to_sign(posed), wallet.waits)
    inputs = [RoundInput(posed.outputs[0], *found[coins[0].script], previous=posed)]
    if variant is Variant.PROOF_OF_FUNDS:
        inputs += [
            RoundInput(TxOut(coin.amount, coin.script), *found[coin.script]) for coin in coins
        ]
        more = tuple(TxIn(coin.outpoint, b"", wallet.waits.sequence) for coin in coins)
        unsigned = replace(unsigned, inputs=unsigned.inputs + more)
    return Round(
        name=f"{wallet.id}-{number}",
        wallet=wallet,
        variant=variant,
        unsigned=unsigned,
        inputs=tuple(inputs),
        psbt=round_psbt(unsigned, inputs, wallet.descriptor, text),
    )


def _waiting(unsigned: Transaction, waits: Waits) -> Transaction:
    """BIP-322: nSequence and nLockTime say for whom the proof holds; plain proofs have neither."""
    inputs = tuple(replace(each, sequence=waits.sequence) for each in unsigned.inputs)
    return Transaction(waits.version, inputs, unsigned.outputs, waits.lock_time)


def _sequence(lock: Lock) -> int:
    """BIP-68: blocks, or steps of 512 seconds."""
    return _TIME_BIT | lock.value // _STEP_S if lock.kind is LockKind.SECONDS else lock.value
