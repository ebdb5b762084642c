"""Theorems as HTML: Markdown, with LaTeX turned into MathML that a browser draws without help."""

import html
import re
from importlib.util import find_spec

from markdown_it import MarkdownIt

from pulsephase.errors import MissingExtraError

MATH = re.compile(r"\$\$(?P<block>.+?)\$\$|\$(?P<inline>[^$]+?)\$", re.DOTALL)
MARK = "zzmath{}zz"


def require_mathml() -> None:
    """Raise `MissingExtraError` unless LaTeX can be turned into MathML here."""
    if find_spec("latex2mathml") is None:
        raise MissingExtraError(
            "the report needs latex2mathml, which is not installed; "
            "install the extra: pip install 'pulsephase[proofs]'"
        )


def to_html(markdown: str) -> str:
    """Return paragraphs of HTML.

    Args:
        markdown: Text with ``$inline$`` and ``$$display$$`` LaTeX; HTML in it is shown, not obeyed.
    """
    text, found = _take_math(markdown)
    page = MarkdownIt("commonmark", {"html": False}).render(text)
    return _put_math(page, found)


def to_inline_html(markdown: str) -> str:
    """Return a phrase of HTML, without a paragraph around it."""
    text, found = _take_math(markdown)
    return _put_math(MarkdownIt("commonmark", {"html": False}).renderInline(text), found)


def mathml(latex: str, *, display: bool) -> str:
    """Return LaTeX as a MathML element that carries its source as text for readers of the page."""
    from latex2mathml.converter import convert

    element: str = convert(latex.strip(), display="block" if display else "inline")
    return element.replace("<math ", f'<math alttext="{html.escape(latex.strip())}" ', 1)


def _take_math(markdown: str) -> tuple[str, list[str]]:
    found: list[str] = []

    def keep(match: re.Match[str]) -> str:
        block, inline = match.group("block"), match.group("inline")
        mark = MARK.format(len(found))
        if block is not None:
            found.append(f'<div class="math">{mathml(block, display=True)}</div>')
            return f"\n\n{mark}\n\n"
        found.append(mathml(inline, display=False))
        return mark

    return MATH.sub(keep, markdown), found


def _put_math(page: str, found: list[str]) -> str:
    for index, element in enumerate(found):
        mark = MARK.format(index)
        page = page.replace(f"<p>{mark}</p>", element).replace(mark, element)
    return page
