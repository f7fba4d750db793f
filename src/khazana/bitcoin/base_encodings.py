"""Base58Check and Bech32/Bech32m: the two ways Bitcoin writes bytes for people, with checksums.

Each decoder says what is wrong in words that never repeat the text: it may be a secret.
"""

from collections.abc import Iterable

from khazana.bitcoin.hashes import sha256d

BASE58_ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
BECH32_ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
BECH32 = 1
"""The checksum constant of BIP-173."""
BECH32M = 0x2BC8_30A3
"""The checksum constant of BIP-350."""

_BASE58_LONGEST = 120
_BECH32_LONGEST = 90
_BASE58_VALUE = {character: value for value, character in enumerate(BASE58_ALPHABET)}
_BECH32_VALUE = {character: value for value, character in enumerate(BECH32_ALPHABET)}
_GENERATOR = (0x3B6A_57B2, 0x2650_8E6D, 0x1EA1_19FA, 0x3D42_33DD, 0x2A14_62B3)


class BadEncoding(ValueError):
    """The text is not what an encoder would have written; the message says why."""


def base58check_encode(payload: bytes) -> str:
    data = payload + sha256d(payload)[:4]
    number, digits = int.from_bytes(data, "big"), []
    while number:
        number, digit = divmod(number, 58)
        digits.append(BASE58_ALPHABET[digit])
    zeros = len(data) - len(data.lstrip(b"\x00"))
    return "1" * zeros + "".join(reversed(digits))


def base58check_decode(text: str) -> bytes:
    """The payload without its checksum."""
    if len(text) > _BASE58_LONGEST:
        raise BadEncoding(f"{len(text)} characters are too many")
    number = 0
    for place, character in enumerate(text, 1):
        value = _BASE58_VALUE.get(character)
        if value is None:
            raise BadEncoding(f"character {place} does not occur in Base58")
        number = number * 58 + value
    zeros = len(text) - len(text.lstrip("1"))
    data = bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8, "big")
    if len(data) < 5:
        raise BadEncoding(f"{len(text)} characters are too few")
    if sha256d(data[:-4])[:4] != data[-4:]:
        raise BadEncoding("the Base58 checksum is wrong; a character was mistyped or lost")
    return data[:-4]


def bech32_encode(prefix: str, values: Iterable[int], constant: int) -> str:
    """values: 5-bit groups. constant: BECH32 or BECH32M."""
    data = list(values)
    check = _polymod([*_expanded(prefix), *data, 0, 0, 0, 0, 0, 0]) ^ constant
    data += [(check >> 5 * (5 - place)) & 31 for place in range(6)]
    return prefix + "1" + "".join(BECH32_ALPHABET[value] for value in data)


def bech32_decode(text: str) -> tuple[str, list[int], int]:
    """Prefix in lower case, 5-bit groups without the checksum, and the constant that fits."""
    if len(text) > _BECH32_LONGEST:
        raise BadEncoding(f"{len(text)} characters, at most {_BECH32_LONGEST} are allowed")
    if any(not 33 <= ord(character) <= 126 for character in text):
        raise BadEncoding("it contains a blank or a character outside ASCII")
    if text != text.lower() and text != text.upper():
        raise BadEncoding("upper and lower case are mixed")
    lower = text.lower()
    prefix, separator, payload = lower.rpartition("1")
    if not separator or not prefix:
        raise BadEncoding("the prefix before the separator 1 is missing")
    if len(payload) < 6:
        raise BadEncoding("it is cut off before the end of the checksum")
    values = []
    for place, character in enumerate(payload, len(prefix) + 2):
        value = _BECH32_VALUE.get(character)
        if value is None:
            raise BadEncoding(f"character {place} does not occur in Bech32")
        values.append(value)
    constant = _polymod([*_expanded(prefix), *values])
    if constant not in (BECH32, BECH32M):
        raise BadEncoding("the Bech32 checksum is wrong; a character was mistyped or lost")
    return prefix, values[:-6], constant


def groups_of_5(data: bytes) -> list[int]:
    """Bytes as 5-bit groups, the last one filled with zero bits."""
    bits = len(data) * 8
    groups = -(-bits // 5)
    number = int.from_bytes(data, "big") << (groups * 5 - bits)
    return [(number >> 5 * (groups - 1 - place)) & 31 for place in range(groups)]


def bytes_of_groups(groups: list[int]) -> bytes:
    """5-bit groups as bytes; the filling must be shorter than a group and zero (BIP-173)."""
    number = 0
    for group in groups:
        number = number << 5 | group
    size, filling = divmod(len(groups) * 5, 8)
    if filling >= 5:
        raise BadEncoding("a whole group of padding is too much")
    if number & ((1 << filling) - 1):
        raise BadEncoding("the padding is not zero")
    return (number >> filling).to_bytes(size, "big")


def _expanded(prefix: str) -> list[int]:
    codes = [ord(character) for character in prefix]
    return [*(code >> 5 for code in codes), 0, *(code & 31 for code in codes)]


def _polymod(values: Iterable[int]) -> int:
    # BIP-173: remainder of a polynomial over GF(32), five bits at a time.
    remainder = 1
    for value in values:
        top = remainder >> 25
        remainder = (remainder & 0x1FF_FFFF) << 5 ^ value
        for bit, generator in enumerate(_GENERATOR):
            if top >> bit & 1:
                remainder ^= generator
    return remainder
