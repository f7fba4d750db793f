"""What a proof shows that an address alone keeps hidden: its public keys."""

from dataclasses import dataclass

from khazana.bitcoin.script import ScriptKind, classify
from khazana.custody.signing_scripts import SigningScripts


@dataclass(frozen=True, slots=True)
class Exposure:
    """The keys that the proof of one script makes public.

    public_keys: those of the script, all of them: a witness script names each cosigner's key.
    already: why they are public before the proof; None if the proof exposes them.
    """

    wallet: str
    script: bytes
    public_keys: tuple[bytes, ...]
    already: str | None

    @property
    def new(self) -> bool:
        return self.already is None


def exposure_of(wallet: str, scripts: SigningScripts, *, known: bool) -> Exposure:
    """known: whether the script was spent from before."""
    already = None
    if classify(scripts.output).kind is ScriptKind.P2TR:
        # A key path shows nothing more; a script path would also show its leaf.
        public: tuple[bytes, ...] = (scripts.output[2:],)
        already = "the address itself is the key"
    else:
        public = tuple(key for _, key in scripts.keys)
    if already is None and known:
        already = "an earlier spend shows them"
    return Exposure(wallet, scripts.output, public, already)
