"""Style sheets of the reports, and Markdown with formulas as HTML.

Pages read in light and dark, on a phone and on paper. Formulas are MathML, which a browser draws
without a script.
"""

import html
import re
from importlib.util import find_spec

from markdown_it import MarkdownIt

from pulsephase.errors import MissingExtraError

STYLE = """
:root {
  --paper: #fbfaf8; --card: #ffffff; --ink: #22262b; --soft: #5d666f;
  --faint: #dfe2e5; --accent: #c3283c; --second: #1f6fb2; --note: #fff4dc;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14171a; --card: #1d2125; --ink: #e7e9eb; --soft: #9aa4ad;
    --faint: #343a40; --accent: #ff6b7d; --second: #63b3f3; --note: #3a3120;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 1.2rem; max-width: 70rem; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif;
}
h1 { margin: 0.2rem 0; font-size: 1.6rem; }
h2 { margin: 0 0 0.4rem; font-size: 1.1rem; overflow-wrap: anywhere; }
p { margin: 0.2rem 0; }
.warning { padding: 0.5rem 0.8rem; border-radius: 0.4rem; background: var(--note); }
section, footer {
  margin: 1.2rem 0; padding: 1.1rem; background: var(--card);
  border: 1px solid var(--faint); border-radius: 0.7rem;
}
.number { font-size: 3.6rem; font-weight: 650; line-height: 1.1; color: var(--accent); }
.number.none { font-size: 2.2rem; color: var(--soft); }
.unit { font-size: 1.4rem; color: var(--soft); }
.quality { color: var(--soft); }
.reason { color: var(--second); }
td.reason { min-width: 12rem; }
meter { width: 7rem; height: 0.9rem; vertical-align: middle; }
.figures {
  display: grid; gap: 0.8rem; margin: 0.9rem 0;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr));
}
figure { margin: 0; min-width: 0; }
figcaption { font-weight: 600; font-size: 0.95rem; }
small { font-weight: 400; color: var(--soft); }
svg, img { display: block; width: 100%; height: auto; border-radius: 0.3rem; }
svg text { font-family: inherit !important; }
.wide { overflow-x: auto; }
table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: 0.35rem 0.6rem; text-align: left; border-bottom: 1px solid var(--faint); }
thead th { font-weight: 500; color: var(--soft); }
dl { display: flex; flex-wrap: wrap; gap: 0.3rem 1.6rem; margin: 0.8rem 0 0; }
dl div { display: flex; gap: 0.4rem; }
dt { color: var(--soft); }
dd { margin: 0; overflow-wrap: anywhere; }
@media print { section { break-inside: avoid; } }
"""


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


STYLESHEET = """
:root { color-scheme: light dark;
  --paper: #fdfcf9; --ink: #22252a; --faint: #b9b6ac; --soft: #f3f1ea; --accent: #0b6e8f;
  --second: #c4542d; --third: #7a8a2a; --good: #2d7a4b; --bad: #b3261e;
  --serif: Charter, "Bitstream Charter", "Iowan Old Style", Georgia, serif;
  --sans: system-ui, "Segoe UI", Roboto, "Helvetica Neue", "DejaVu Sans", sans-serif; }
@media (prefers-color-scheme: dark) { :root {
  --paper: #16181c; --ink: #e3e1da; --faint: #5c5f66; --soft: #1f2228; --accent: #58b7d6;
  --second: #ee8a62; --third: #b8c766; --good: #6cc08b; --bad: #ef8b84; } }
* { box-sizing: border-box; }
html { scroll-behavior: smooth; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 18px/1.6 var(--serif); }
main { max-width: 45rem; margin: 0 auto; padding: 3rem 1.2rem 6rem; }
h1 { font-size: 2.3rem; line-height: 1.15; margin: 0 0 1rem; letter-spacing: -0.01em; }
h2 { font-size: 1.5rem; margin: 4rem 0 0.4rem; padding-top: 1rem;
  border-top: 2px solid var(--ink); }
h3 { font-size: 1.18rem; line-height: 1.35; margin: 0 0 0.8rem; }
section { margin: 2.6rem 0; scroll-margin-top: 1rem; }
a { color: var(--accent); text-decoration-thickness: 1px; text-underline-offset: 2px; }
.lead { color: var(--ink); font-size: 1.08rem; }
h2 + .lead { font-style: italic; font-size: 1rem; margin-top: 0; }
.scope { font-size: 0.9rem; opacity: 0.85; }
.outcome { font: 600 0.95rem/1.5 var(--sans); padding: 0.7rem 1rem; background: var(--soft);
  border-left: 4px solid; border-radius: 0 4px 4px 0; }
.good { color: var(--good); } .bad { color: var(--bad); } .idle { color: var(--faint); }
.outcome.good { border-color: var(--good); } .outcome.bad { border-color: var(--bad); }
.chain { list-style: none; display: grid;
  grid-template-columns: repeat(auto-fit, minmax(9.2rem, 1fr));
  gap: 0.6rem; padding: 0; margin: 2rem 0; font: 0.8rem/1.35 var(--sans); counter-reset: step; }
.chain li { background: var(--soft); border-radius: 6px; padding: 0.6rem 0.7rem;
  display: flex; flex-direction: column; justify-content: space-between; gap: 0.5rem; }
.chain b { font-weight: 600; }
.chain b::before { counter-increment: step; content: counter(step) ". "; opacity: 0.6; }
.chain a { display: inline-block; margin-right: 0.15rem; text-decoration: none; font-weight: 600;
  border-bottom: 2px solid; }
.id { font: 700 0.85rem var(--sans); color: var(--accent); margin-right: 0.3rem; }
.badge { font: 600 0.7rem var(--sans); text-transform: uppercase; letter-spacing: 0.05em;
  border: 1.5px solid; border-radius: 9px; padding: 0.08rem 0.5rem; margin-left: 0.3rem;
  vertical-align: 2px; white-space: nowrap; }
.math { overflow-x: auto; overflow-y: hidden; padding: 0.35rem 0; margin: 0.5rem 0; }
math { font-size: 1.04em; font-family: "STIX Two Math", "Cambria Math", "Latin Modern Math",
  "Libertinus Math", math; }
figure { margin: 1.6rem 0; }
figure svg { width: 100%; height: auto; display: block; }
figcaption { font: 0.82rem/1.45 var(--sans); opacity: 0.85; margin-top: 0.3rem; }
.paper { border-left: 4px solid var(--second); padding: 0.1rem 0 0.1rem 0.9rem; }
.assumes { font-size: 0.93rem; }
.assumes ul { margin: 0.2rem 0 0.8rem; padding-left: 1.2rem; }
details { background: var(--soft); border-radius: 6px; padding: 0.5rem 0.9rem;
  font: 0.86rem/1.5 var(--sans); }
summary { cursor: pointer; font-weight: 600; }
table { border-collapse: collapse; width: 100%; margin: 0.7rem 0; font: 0.86rem/1.45 var(--sans); }
th { text-align: left; font-weight: 600; }
td, th { padding: 0.28rem 0.8rem 0.28rem 0; vertical-align: top;
  border-bottom: 1px solid color-mix(in srgb, var(--faint) 45%, transparent); }
.n { text-align: right; font-variant-numeric: tabular-nums; padding-right: 0; }
table.clauses td:nth-child(2) { white-space: nowrap; }
.references { font-size: 0.86rem; opacity: 0.85; }
@media print { details { background: none; } body { font-size: 10pt; } main { max-width: none; }
  .math { overflow: visible; } math { font-size: 0.92em; } section { break-inside: auto; }
  figure, table tr { break-inside: avoid; } }
"""
