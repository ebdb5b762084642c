"""In which order do names come? Two answers that differ: by their numbers, or as text."""

from collections.abc import Iterable


def natural(name: str) -> tuple[tuple[int, int, str], ...]:
    """Return a key that sorts by the numbers in a name: subject2 before subject10.

    >>> sorted(["subject10", "subject2", "Sub 1/lux 10.0", "Sub 1/lux 6.3"], key=natural)
    ['Sub 1/lux 6.3', 'Sub 1/lux 10.0', 'subject2', 'subject10']
    """
    parts: list[tuple[int, int, str]] = []
    digits = ""
    for letter in f"{name}\0":
        if letter.isdecimal():
            digits += letter
            continue
        if digits:
            parts.append((0, int(digits), digits))
            digits = ""
        parts.append((1, 0, letter))
    return tuple(parts)


def by_numbers(names: Iterable[str]) -> list[str]:
    """Return names without repeats, by the numbers in them.

    >>> by_numbers(["subject10", "subject2", "subject1", "subject2"])
    ['subject1', 'subject2', 'subject10']
    """
    return sorted(set(names), key=natural)


def as_text(names: Iterable[str]) -> list[str]:
    """Return names without repeats, letter by letter, as ``sorted`` does in most programs.

    >>> as_text(["subject10", "subject2", "subject1"])
    ['subject1', 'subject10', 'subject2']
    """
    return sorted(set(names))


ORDERS = {"numbers": by_numbers, "text": as_text}
