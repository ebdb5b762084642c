"""The interpretation as one self-contained HTML page, and its figures as files of their own.

No script and nothing from outside. Each figure says how to read it and what would refute it; what
was withheld says why, and how much more would be needed.
"""

import html
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pulsephase.files import whole_file
from pulsephase.interpret import figures_space, figures_system
from pulsephase.interpret.figures_space import Frame
from pulsephase.interpret.thresholds import reasons, thresholds
from pulsephase.pages.html import STYLESHEET
from pulsephase.pages.svg import Shown
from pulsephase.video.clip import Clip

PAGE = "index.html"
FOLDER = "figures"
LEAD = (
    "What the network's output depends on, as numbers: its effective impulse response, the poles "
    "in it, what each layer does and where it looks; each against what chance would give."
)
WARNING = (
    "A kernel of few poles is not evidence of blood flow: a filter made of two coils has them too. "
    "This is research software and no medical device."
)
PARTS = {
    "response": ("What moves the pulse", "The derivative of the output by everything before it."),
    "system": ("The system in it", "The mean kernel as a filter, its poles, and chance."),
    "layers": ("Layer by layer", "What each layer does, and what has built up by then."),
    "forcing": (
        "Forcing or vessel",
        "Clips whose vessel and heart rate know nothing of each other, both planted.",
    ),
    "space": ("Where it looks", "Masks against truth, and two methods that ask the video itself."),
}
EXTRA = """
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: 0.6rem;
  margin: 1.2rem 0; font-family: var(--sans); }
.cards div { background: var(--soft); border-radius: 6px; padding: 0.6rem 0.8rem; }
.cards b { display: block; font-size: 1.5rem; line-height: 1.3;
  font-variant-numeric: tabular-nums; }
.cards span { display: block; font-size: 0.78rem; line-height: 1.35; opacity: 0.85; }
.claim { font: 600 1rem/1.5 var(--sans); }
.withheld { font: 0.9rem/1.5 var(--sans); border-left: 4px solid var(--second);
  padding: 0.3rem 0.9rem; background: var(--soft); }
.outcome { color: var(--ink); }
figure h3 { font: 600 1rem/1.4 var(--sans); margin: 0 0 0.3rem; }
figcaption p { margin: 0.25rem 0; }
main { max-width: 52rem; }
footer { margin-top: 4rem; }
"""


def write_report(
    folder: Path, analysis: Mapping[str, Any], *, frames: Mapping[str, Frame] | None = None
) -> Path:
    """Write ``index.html`` and its figures into a folder, and return the page's path.

    Args:
        folder: Where to; made if it is not there.
        analysis: What `analyse` gave.
        frames: A frame of each clip by its source, to lay masks over; none for a page without
            any picture of a person.
    """
    figures = all_figures(analysis, frames or {})
    alone = folder / FOLDER
    alone.mkdir(parents=True, exist_ok=True)
    for figure in (item for items in figures.values() for item in items):
        with whole_file(alone / f"{figure.name}.svg") as temporary:
            temporary.write_text(figure.alone(), encoding="utf-8")
    with whole_file(folder / PAGE) as temporary:
        temporary.write_text(page(analysis, figures), encoding="utf-8")
    return folder / PAGE


def frames_of(clips: Sequence[Clip]) -> dict[str, Frame]:
    """Return the middle frame of each clip by its source, for masks to be laid over."""
    found = {}
    for clip in clips:
        frame = clip.frames[len(clip) // 2].permute(1, 2, 0).double().clamp(0, 1)
        found[clip.source] = np.asarray((255 * frame).round().byte().cpu().numpy())
    return found


def all_figures(analysis: Mapping[str, Any], frames: Mapping[str, Frame]) -> dict[str, list[Shown]]:
    """Return the figures of each part that has something to show."""
    sections = analysis["sections"]
    found: dict[str, list[Shown]] = {}
    if "response" in sections:
        found["response"] = figures_system.response_figures(sections["response"])
    if "system" in sections:
        found["system"] = figures_system.system_figures(
            sections["system"], sections.get("nulls", {})
        )
    if "layers" in sections:
        found["layers"] = figures_space.layer_figures(sections["layers"])
    if "forcing" in sections:
        found["forcing"] = figures_system.forcing_figures(sections["forcing"])
    if "space" in sections:
        found["space"] = figures_space.space_figures(sections["space"], frames)
    return found


def page(analysis: Mapping[str, Any], figures: Mapping[str, Sequence[Shown]]) -> str:
    """Return the whole page."""
    title = f"What has {html.escape(str(analysis['weights']))} learnt?"
    body = [
        f'<header><h1>{title}</h1><p class="lead">{LEAD}</p>',
        _verdict(analysis["verdict"]),
        _cards(analysis["verdict"]),
        f'<p class="scope">{WARNING}</p></header>',
        *(_part(name, analysis["sections"], figures[name]) for name in PARTS if name in figures),
        _thresholds(),
        _facts(analysis),
    ]
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en">',
            '<head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{title}</title>",
            f"<style>{STYLESHEET}{EXTRA}</style></head>",
            "<body><main>",
            *body,
            "</main></body></html>\n",
        ]
    )


def _verdict(verdict: Mapping[str, Any]) -> str:
    state = {"positive": "good", "negative": "bad"}.get(str(verdict.get("outcome")), "idle")
    return f'<p class="outcome {state}">{html.escape(verdict["sentence"])}</p>'


def _cards(verdict: Mapping[str, Any]) -> str:
    """Return the verdict's numbers, each with what it is."""
    rows = (
        ("causality_score", "causality: share of the response at or before the present"),
        ("look_ahead_frames", "frames of look-ahead"),
        ("time_invariance_score", "time invariance: share of the response in one kernel"),
        ("physics_consistency", "physics consistency (PCS+) of the mean kernel"),
        ("null_percentile", "per cent of the decisive null that it exceeds"),
    )
    cells = "".join(
        f"<div><b>{_number(verdict.get(name))}</b><span>{text}</span></div>" for name, text in rows
    )
    return f'<div class="cards">{cells}</div>'


def _part(name: str, sections: Mapping[str, Any], figures: Sequence[Shown]) -> str:
    title, lead = PARTS[name]
    said = [sections[name]]
    if name == "system" and "nulls" in sections:
        said.append(sections["nulls"])
    claims = "".join(f'<p class="claim">{html.escape(item["claim"])}</p>' for item in said)
    withheld = "".join(
        f'<p class="withheld"><b>Withheld.</b> {html.escape(reason)}</p>'
        for item in said
        for reason in withheld_in(item)
    )
    drawn = "".join(figure.html() for figure in figures)
    return f'<h2 id="{name}">{title}</h2><p class="lead">{lead}</p>{claims}{withheld}{drawn}'


def withheld_in(section: Mapping[str, Any]) -> list[str]:
    """Return every reason in a section for which something was withheld, each once."""
    found: list[str] = []
    for key, value in section.items():
        if key == "withheld":
            found += value if isinstance(value, list) else [str(value)]
        elif key == "missing" and isinstance(value, Mapping):
            found += [f"the null '{name}' is missing: {why}" for name, why in value.items()]
        elif isinstance(value, Mapping):
            found += withheld_in(value)
            if value.get("applies") is False:
                found.append(f"poles are not read off the weights: {value['reason']}")
    claim = section.get("claim")
    return [reason for reason in dict.fromkeys(found) if reason != claim]


def _thresholds() -> str:
    rows = "".join(
        f"<tr><td><code>{name}</code></td><td>{getattr(thresholds(), name):g}</td>"
        f"<td>{html.escape(reason)}</td></tr>"
        for name, reason in reasons().items()
    )
    return (
        "<h2>What was decided beforehand</h2>"
        "<p>The thresholds, committed before any trained network was looked at.</p>"
        f"<details><summary>{len(reasons())} thresholds and their reasons</summary>"
        f"<table><thead><tr><th>threshold</th><th></th><th>reason</th></tr></thead>"
        f"<tbody>{rows}</tbody></table></details>"
    )


def _facts(analysis: Mapping[str, Any]) -> str:
    clips = analysis.get("clips", [])
    rows = {
        "weights": analysis["weights"],
        "clips": f"{len(clips)}: {clips[0]} ..." if clips else "none",
        "seed": analysis.get("seed", "-"),
        "budget": ", ".join(f"{k} {v}" for k, v in analysis.get("budget", {}).items()),
        "revision": analysis.get("revision", "-"),
        "seconds": f"{analysis.get('seconds', 0):.0f}",
    }
    cells = "".join(
        f"<tr><td>{name}</td><td>{html.escape(str(value))}</td></tr>"
        for name, value in rows.items()
    )
    return f"<footer><table><tbody>{cells}</tbody></table></footer>"


def _number(value: Any) -> str:
    if value is None:
        return "&ndash;"
    return f"{value:.3g}" if isinstance(value, float) else html.escape(str(value))
