"""The eight characters after # that guard a descriptor against typing mistakes (BIP-380)."""

# BIP-380: the most common characters come first, so that a change of case shows in a group.
CHARACTERS = (
    "0123456789()[],'/*abcdefgh@:$%{}"
    "IJKLMNOPQRSTUVWXYZ&+-.;<=>?!^_|~"
    'ijklmnopqrstuvwxyzABCDEFGH`#"\\ '
)
"""Every character that may stand in a descriptor."""

_CHECKSUM_ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATOR = (0xF5DEE51989, 0xA9FDCA3312, 0x1BAB10E32D, 0x3706B1677A, 0x644D626FFD)
_VALUE = {character: value for value, character in enumerate(CHARACTERS)}


def descriptor_checksum(body: str) -> str:
    """The checksum of a descriptor without its #.

    body: only characters of CHARACTERS; KeyError for others.

    >>> descriptor_checksum("raw(deadbeef)")
    '89f8spxm'
    """
    symbols, groups = [], []
    for character in body:
        value = _VALUE[character]
        symbols.append(value & 31)
        groups.append(value >> 5)
        if len(groups) == 3:
            symbols.append(groups[0] * 9 + groups[1] * 3 + groups[2])
            groups = []
    if groups:
        symbols.append(groups[0] if len(groups) == 1 else groups[0] * 3 + groups[1])
    check = _polymod([*symbols, 0, 0, 0, 0, 0, 0, 0, 0]) ^ 1
    return "".join(_CHECKSUM_ALPHABET[(check >> 5 * (7 - place)) & 31] for place in range(8))


def _polymod(symbols: list[int]) -> int:
    check = 1
    for symbol in symbols:
        top = check >> 35
        check = (check & 0x7FFFFFFFF) << 5 ^ symbol
        for place, generator in enumerate(_GENERATOR):
            if top >> place & 1:
                check ^= generator
    return check
