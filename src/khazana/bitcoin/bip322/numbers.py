"""Numbers and truth on a script's stack."""

from khazana.bitcoin.bip322.verdict import Reason, Refusal

TRUE = b"\x01"


def number_of(item: bytes, *, longest: int) -> int:
    """A number as Script writes it: little-endian, sign in the top bit, as short as possible.

    >>> number_of(bytes.fromhex("e007"), longest=4)
    2016
    """
    if len(item) > longest:
        words = f"a number of {len(item)} bytes, at most {longest} are allowed"
        raise Refusal(Reason.SCRIPT_FAILED, words)
    if not item:
        return 0
    if not item[-1] & 0x7F and (len(item) == 1 or not item[-2] & 0x80):
        raise Refusal(Reason.MINIMALDATA, "a number is written longer than needed")
    value = int.from_bytes(item, "little")
    sign = 0x80 << 8 * (len(item) - 1)
    return -(value ^ sign) if value & sign else value


def written(value: int) -> bytes:
    """A number in the fewest bytes.

    >>> written(2016).hex(), written(-1).hex(), written(0).hex()
    ('e007', '81', '')
    """
    if not value:
        return b""
    size = abs(value).bit_length() // 8 + 1
    raw = bytearray(abs(value).to_bytes(size, "little"))
    if value < 0:
        raw[-1] |= 0x80
    return bytes(raw)


def truth_of(item: bytes) -> bool:
    """Anything but zeros, where the last byte may also be a lone minus sign."""
    return bool(item.rstrip(b"\x00")) and not (item[-1] == 0x80 and not any(item[:-1]))
