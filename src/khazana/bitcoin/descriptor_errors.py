"""How a descriptor can be wrong: errors that say what and where, and never repeat its text."""

from dataclasses import dataclass

from khazana.errors import KhazanaError


@dataclass(eq=False, kw_only=True)
class DescriptorRefused(KhazanaError):
    """A descriptor that is not one, or that no careful wallet would use. place: from 1."""

    place: int
    problem: str
    code = "descriptor_refused"
    words = "The descriptor is refused at character {place}: {problem}."


@dataclass(eq=False, kw_only=True)
class SecretInDescriptor(KhazanaError):
    """A private key stands in a descriptor. It is never repeated. place: from 1."""

    place: int
    code = "secret_in_descriptor"
    words = (
        "A private key stands in the descriptor at character {place}; it is not repeated here. "
        "Nothing in this program needs it: put the public key in its place, remove the private "
        "one from every file it was copied to, and move the coins to a new key."
    )


@dataclass(eq=False, kw_only=True)
class DescriptorRangeRefused(KhazanaError):
    """The stated indexes or branch do not fit the descriptor."""

    problem: str
    code = "descriptor_range_refused"
    words = "The stated range does not fit the descriptor: {problem}."


@dataclass(eq=False, kw_only=True)
class DescriptorNotDerivable(KhazanaError):
    """The descriptor may be right, but this engine cannot tell: not checkable, never passed."""

    engine: str
    function: str
    code = "descriptor_not_derivable"
    words = (
        "{engine} cannot derive scripts of this descriptor ({function}); this is not checkable "
        "here. Try an installation with another engine."
    )
