"""Text from outside: paths, metadata, names in data sets, what a library says of an error.

It may hold markup, control characters, and bytes that are no UTF-8. Whatever shows it goes through
here: the terminal (``commands/common.py``), pages (``files.write_page``) and JSON.
"""

import re

UNPRINTABLE = re.compile(r"[\ud800-\udfff\x00-\x08\x0b-\x1f\x7f-\x9f]")


def shown(text: object) -> str:
    r"""Return a text that any terminal, page or file takes; what cannot be shown is replaced.

    >>> shown("caf\udce9 \x1b[31m")
    'caf\ufffd \ufffd[31m'
    """
    return UNPRINTABLE.sub("\ufffd", str(text))
