"""The tables of `pages.py` on the generator, heart rate, data sets, and their speed."""

from pulsephase.evaluation.compare import CLASSICAL
from pulsephase.experiments import accuracy
from pulsephase.experiments.difficulty import METHODS, cells_of
from pulsephase.experiments.tables_networks import or_dash, read
from pulsephase.pages.markdown import table
from pulsephase.video.datasets.registry import DATASETS


def difficulty() -> str:
    """How many clips of each preset each method gets right, and answers."""
    presets = read("difficulty")["presets"]
    body = [[f"`{name}`", *cells_of(name, row["methods"])] for name, row in presets.items()]
    shown = [name.upper() if name in CLASSICAL else name for name in METHODS]
    return table(["preset", *shown, *(f"{name.upper()} answers" for name in CLASSICAL)], body)


def detector() -> str:
    """How often the detector finds the face of synthetic scenes."""
    body = [
        [
            f"`{row['preset']}`",
            str(row["frames"]),
            str(row["found"]),
            f"{row['mean_overlap_of_found']:.2f}",
        ]
        for row in read("detector")["results"]
    ]
    return table(["preset", "frames", "face found", "mean overlap of those"], body)


def generator_speed() -> str:
    """Frames a second of the generator, on a core and on a GPU."""
    cpu = [row for row in read("bench_synthetic")["results"] if "share_of_training" not in row]
    gpu = read("gpu")["generator_in_processes"]["results"]
    body = [
        [
            f"{row['size']} px",
            "one core" if row["device"] == "cpu" else "H200",
            str(row["workers"]),
            f"{row['frames_per_s']:,}",
            f"{row['peak_memory_mb']:.0f} MB" if row.get("peak_memory_mb") else "-",
        ]
        for row in [*cpu, *gpu]
    ]
    return table(["crop", "machine", "processes", "frames a second", "memory of 4 clips"], body)


def datasets_speed() -> str:
    """Frames a second of caching a data set, part by part."""
    body = [
        [row["part"], f"{row['frames_per_cpu_s']:.0f}", f"{row['frames_per_s']:.0f}"]
        for row in read("bench_datasets")["results"]
    ]
    return table(["part", "frames a second of processor time", "of wall time"], body)


def assumptions() -> str:
    """What no source says about the data sets, as the readers assume it."""
    body = [[f"`{name}`", line] for name, found in DATASETS.items() for line in found.assumptions]
    lines = [f"| {name} | {line} |" for name, line in body]
    return "\n".join(["| set | assumed |", "|---|---|", *lines, ""])


def live() -> str:
    """What a frame costs from tracker to heart rate."""
    body = [
        [
            f"`{row['network']}`",
            f"{row['median_ms']:.2f}",
            f"{row['p99_ms']:.2f}",
            f"{row['frames_per_s']:.0f}",
        ]
        for row in read("bench_live")["results"]
    ]
    head = ["network", "median, ms a frame", "99 in 100 frames within, ms", "frames a second"]
    return table(head, body)


def vitals_speed() -> str:
    """What reading a wave costs."""
    body = [[row["what"], f"{row['median']:.1f}"] for row in read("bench_vitals")["results"]]
    return table(["what", "median"], body)


def tracking() -> str:
    """Windows within 3 bpm, each alone and followed, by kind of wave and noise."""
    rows = read("tracking")["results"]
    levels = list(dict.fromkeys(row["snr_db"] for row in rows))
    kinds: dict[str, list[str]] = {row["kind"]: [] for row in rows}
    for row in rows:
        kinds[row["kind"]].append(f"{100 * row['alone']:.0f} / {100 * row['followed']:.0f}")
    body = [[kind, *cells] for kind, cells in kinds.items()]
    return table(["rate", *(f"{level:g} dB" for level in levels)], body)


def quality() -> str:
    """Share of windows answered, and of these within 3 bpm, on presets held out of the fit."""
    held, body = read("quality"), []
    presets = [*(name for name in held["judged_on"] if name != "null"), "planted"]
    for method, row in held["methods"].items():
        cells = []
        for name in presets:
            right = row["presets"][name]["within_3_bpm_of_answered"]
            share = or_dash(None if right is None else 100 * right, ".0f")
            cells.append(f"{100 * row['presets'][name]['answered']:.0f} / {share}")
        body.append([method, *cells, f"{100 * row['presets']['null']['answered']:.0f}"])
    return table(["method", *(f"`{name}`" for name in presets), "`null` answered"], body)


def planted() -> str:
    """Share within 3 bpm on planted footage, with intervals over people, by codec and strength."""
    held, body = read("planted_validation"), []
    strengths = [f"amplitude {word}" for word in ("low", "middle", "high")]
    skins = [f"skin_green {word}" for word in ("low", "middle", "high")]
    groups = ["all", "plain", "h264", "mpeg4", "vp9", *strengths, *skins]
    for method, row in held["methods"].items():
        low, high = row["all"]["interval_95"]
        cells = [f"{100 * row[name]['within_3_bpm']:.0f}" for name in groups if name in row]
        cells[0] += f" ({100 * low:.0f} to {100 * high:.0f})"
        body.append([method, *cells])
    names = ["all", "as it is", "H.264", "MPEG-4", "VP9", "weak", "middle", "strong"]
    return table(["method", *names, "dark skin", "middle", "light skin"], body)


def readout() -> str:
    """Share within 3 bpm of each candidate for the noise floor."""
    held = read("readout")["table"]
    sources = list(next(iter(held.values())))
    body = [[name, *(f"{100 * row[each]:.1f}" for each in sources)] for name, row in held.items()]
    return table(["floor", *sources], body)


def newcomer() -> str:
    """Seconds of the four commands on a look-alike."""
    held = read("newcomer")
    names = ("verify", "cache", "train", "evaluate")
    rows = [*zip(names, held["commands"], strict=True), ("together", held)]
    body = [[name, f"{row['processor_s']:.0f}", f"{row['wall_s']:.0f}"] for name, row in rows]
    return table(["command", "processor, s", "wall, s"], body)


def gpu_training() -> str:
    """Steps a second of trainings on one GPU."""
    body = [
        [
            f"`{row['recipe']}`",
            str(row["runs_at_once"]),
            row["others"],
            f"{row['steps_per_s']:.1f}",
        ]
        for row in read("gpu")["training"]["results"]
    ]
    return table(["recipe", "runs at once", "beside them", "steps a second, each"], body)


def _accuracy(name: str) -> str:
    return accuracy.tables(read("accuracy"))[name] + "\n"


TABLES = {
    "difficulty": difficulty,
    "detector": detector,
    "generator-speed": generator_speed,
    "datasets-speed": datasets_speed,
    "assumptions": assumptions,
    "live": live,
    "vitals-speed": vitals_speed,
    "tracking": tracking,
    "quality": quality,
    "planted": planted,
    "readout": readout,
    "newcomer": newcomer,
    "gpu-training": gpu_training,
    "rates": lambda: _accuracy("rates"),
    "noise": lambda: _accuracy("noise"),
    "octaves": lambda: _accuracy("octaves"),
    "estimators": lambda: _accuracy("estimators"),
    "intervals": lambda: _accuracy("intervals"),
    "conventions": lambda: _accuracy("conventions"),
    "variability": lambda: _accuracy("variability"),
}
