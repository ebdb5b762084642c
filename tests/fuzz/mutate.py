"""Change bytes and words at random, from a seed."""

import random
import re

WILD = (
    *("nan", "inf", "-inf", "-1", "0", "1e300", "1e-300", "99999999999999999999", "1" + "0" * 400),
    *("", " ", "[/x]", "\udce9", "\x00", "\x1b[31m", "a" * 5000, "[" * 5000, "../..", "/dev/null"),
    *("-", "--", "1,2,3", "1,2,3,nan", "0x10", "9" * 30, "true", "null", "{}"),
)
NUMBER = re.compile(rb"-?\d+(\.\d+)?([eE][-+]?\d+)?")
NUMBERS = (
    *(b"0", b"-1", b"1e6", b"1e300", b"1000000", b"4611686018427387904", b"9" * 5000, b"NaN"),
    *(b"Infinity", b"[" * 2000, b'"x"', b"null", b"1.5", b"86400", b"1.7e9"),
)


def of_bytes(data: bytes, draw: random.Random) -> bytes:
    """Return a file's bytes with one to four changes."""
    changed = bytearray(data)
    for _ in range(draw.randint(1, 4)):
        if not changed:
            return bytes(draw.randbytes(draw.randint(0, 64)))
        start = draw.randrange(len(changed))
        length = min(draw.choice((1, 4, 64, 1024, 16_384)), len(changed) - start)
        piece = slice(start, start + length)
        match draw.randrange(7):
            case 0:
                changed[piece] = draw.randbytes(length)
            case 1:
                changed[piece] = bytes(length)
            case 2:
                changed[piece] = b"\xff" * length
            case 3:
                del changed[piece]
            case 4:
                changed[start:start] = changed[piece]
            case 5:
                del changed[start:]
            case 6:
                changed[start] ^= 1 << draw.randrange(8)
    return bytes(changed)


def of_numbers(data: bytes, draw: random.Random) -> bytes:
    """Return a text with one of its first numbers made wild."""
    found = list(NUMBER.finditer(data[:200_000]))
    if not found:
        return of_bytes(data, draw)
    at = draw.choice(found)
    return data[: at.start()] + draw.choice(NUMBERS) + data[at.end() :]


def of_words(words: list[str], draw: random.Random) -> list[str]:
    """Return a command line with one to three words changed, doubled, left out or added."""
    changed = list(words)
    for _ in range(draw.randint(1, 3)):
        at = draw.randrange(len(changed)) if changed else 0
        match draw.randrange(4):
            case 0 if at:
                changed[at] = draw.choice(WILD)
            case 1 if at:
                changed.insert(at, draw.choice(WILD))
            case 2 if at:
                del changed[at]
            case _:
                changed.insert(max(at, 1), changed[at] if changed else "")
    return [word.replace("\x00", "") for word in changed]
