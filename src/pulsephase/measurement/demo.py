"""The main job: two real videos, three methods, the contact reference beside them, and a report."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from pulsephase.errors import InputError
from pulsephase.measurement.measure import Measurement, read_out
from pulsephase.measurement.observation import observe
from pulsephase.models.phasenet import PhaseNet
from pulsephase.pages.measurement import VideoSection, section_of, write_report
from pulsephase.video.faces import FaceTracker
from pulsephase.vitals.heart_rate import heart_rate

METHODS = ("phasenet", "pos", "chrom")
SYNTHETIC_SEED = 3
SYNTHETIC_S = 12.0
SYNTHETIC_SIZE = (480, 360)


def run_demo(
    out: Path,
    *,
    weights: str,
    synthetic: bool,
    pictures: bool,
    device: str,
    say: Callable[[str], None],
) -> tuple[list[dict[str, Any]], Path]:
    """Measure the samples, or a synthetic video where they cannot be had, and write the report.

    Returns:
        One record a video (source, reference, and each method's result and error), and the page.
    """
    net = PhaseNet.from_pretrained(weights).to(device)
    with tempfile.TemporaryDirectory() as folder:
        videos = synthetic_video(Path(folder)) if synthetic else _samples_or_synthetic(folder, say)
        sections: list[VideoSection] = []
        records: list[dict[str, Any]] = []
        for video, reference in videos:
            say(f"measuring {video.name}")
            seen = observe(video, net=net, faces=FaceTracker())
            results = [read_out(seen, method) for method in METHODS]
            records.append(record_of(results, reference))
            sections.append(
                section_of(
                    results[0],
                    pictures=pictures,
                    others=tuple(results[1:]),
                    reference_bpm=reference,
                )
            )
        parameters = {"weights": weights, "device": device}
        page = write_report(out, sections, title="pulsephase demo", parameters=parameters)
    return records, page


def record_of(results: list[Measurement], reference_bpm: float) -> dict[str, Any]:
    """Return the results of all methods on one video; errors are those with abstention off."""
    rows = []
    for result in results:
        row = result.as_json()
        guess = result.rate.estimate_bpm  # with abstention off, so that every method has an error
        row["estimate_bpm"] = guess
        row["error_bpm"] = None if guess is None else abs(guess - reference_bpm)
        rows.append(row)
    return {
        "source": results[0].observation.source,
        "reference_bpm": reference_bpm,
        "methods": rows,
    }


def contact_rate(ppg: np.ndarray, *, sample_hz: float) -> float:
    """Return the heart rate of a contact wave by the estimator that all methods share.

    Raises:
        InputError: If the wave holds no heart rate.
    """
    rate = heart_rate(ppg, sample_hz=sample_hz)
    if rate.bpm is None:
        raise InputError(f"the contact reference gives no heart rate: {rate.reason}")
    return rate.bpm


def _samples_or_synthetic(folder: str, say: Callable[[str], None]) -> list[tuple[Path, float]]:
    from pulsephase.video.samples import SamplesUnavailable, fetch_samples, load_reference

    try:
        samples = fetch_samples()
    except SamplesUnavailable as reason:
        say(f"no sample videos ({reason}); a synthetic video stands in")
        return synthetic_video(Path(folder))
    found = []
    for sample in samples:
        reference = load_reference(sample.labels)
        found.append((sample.video, contact_rate(reference.ppg, sample_hz=reference.sample_hz)))
    return found


def synthetic_video(folder: Path) -> list[tuple[Path, float]]:
    """Write a synthetic scene as a video, and return it with its true mean heart rate."""
    from pulsephase.synthetic.presets import preset
    from pulsephase.synthetic.scene import render_scene
    from pulsephase.synthetic.write import write_video

    config = preset("easy", seconds=SYNTHETIC_S)
    width, height = SYNTHETIC_SIZE
    clip = render_scene(SYNTHETIC_SEED, config, width=width, height=height)
    path = folder / "synthetic.mp4"
    write_video(path, clip)
    assert clip.truth is not None
    return [(path, float(clip.truth.heart_rate_bpm.mean()))]
