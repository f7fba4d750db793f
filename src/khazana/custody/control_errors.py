"""Why control cannot be told from a statement."""

from dataclasses import dataclass

from khazana.errors import KhazanaError


@dataclass(eq=False, kw_only=True)
class ControlIncomplete(KhazanaError):
    """Nothing is wrong with the proofs, but they do not cover every closing coin."""

    coverage: str
    doubts: str
    code = "control_incomplete"
    words = "not every closing coin is proved: {coverage}. Proofs that cannot be judged: [{doubts}]"


@dataclass(eq=False, kw_only=True)
class ProofsWithheld(KhazanaError):
    """The proofs exist, by their hash, but the office shows them to auditors only."""

    sha256: str
    code = "proofs_withheld"
    words = (
        "the proofs of control are withheld (sha256 {sha256}); an auditor who was given them says "
        "--control FILE"
    )


@dataclass(eq=False, kw_only=True)
class ProofsSealed(KhazanaError):
    """The proofs exist, by their hash, and were sealed for named readers."""

    readers: str
    sha256: str
    code = "proofs_sealed"
    words = (
        "the proofs of control are sealed for {readers}, hash {sha256}, not for the public; who "
        "can open them uses `khazana custody open`, then --control FILE"
    )
