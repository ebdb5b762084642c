r"""Section space: where the network looks, what its mixer moves, and where the pulse comes from.

The ASF's masks are laid over the skin and over the map of how strongly each pixel pulses, both
known for synthetic clips: the area under the ROC curve for telling skin from the rest (0.5 is
chance), the share of the mask that lies on skin, and the overlap :math:`\sum_p\min(m_p, s_p)` with
the skin, both made to sum to one. A mask weighs features that the EST blocks have already mixed and
that see their neighbours, so a place in it is not quite a place in the face; occlusion and
integrated gradients ask the video itself. Masks of the same network with random weights stand
beside it as the null.

What the mixer moves where is read from the module, on a map of indices.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Float64, Int64
from scipy.stats import rankdata, spearmanr
from torch import Tensor
from torch.nn import functional

from pulsephase.errors import MissingExtraError
from pulsephase.interpret.attribution import attributions
from pulsephase.interpret.context import Context, clip_seed, skin_of
from pulsephase.interpret.subject import Network, fixed_length, random_network
from pulsephase.models.config import PhaseNetConfig
from pulsephase.models.est import ESTBlock
from pulsephase.models.mixers import PartialMixer, Pointwise
from pulsephase.models.phasenet import PhaseNet
from pulsephase.synthetic.truth import perfusion_map
from pulsephase.video.clip import Clip


def mixing_table(net: PhaseNet) -> list[dict[str, Any]]:
    """Return for each EST block where its pixels come from and how far that is."""
    sizes = net.config.map_sizes
    rows = []
    for index, (block, side) in enumerate(zip(net.blocks, sizes, strict=False)):
        assert isinstance(block, ESTBlock)
        rows.append({"block": index, **_moved(block.mixer, side, net.config)})
    return rows


def sources(mixer: PartialMixer, side: int) -> Int64[np.ndarray, "side side"]:
    """Return the index of the pixel that comes to each place, in a channel that is mixed.

    Example:
        >>> from pulsephase.models.mixers import ZASWithin
        >>> sources(ZASWithin(channels=2, fraction=0.5, block=2), 2).tolist()
        [[0, 2], [1, 3]]
    """
    places = torch.arange(side * side, dtype=torch.float64).view(1, 1, side, side)
    if mixer.swapped == 0 or isinstance(mixer, Pointwise):
        found = places
    else:
        on = next(mixer.buffers(), places).device
        found = mixer.mix(places.to(on).expand(1, mixer.swapped, side, side))
    return np.asarray(found[0, 0].long().cpu().numpy())


def _moved(mixer: PartialMixer, side: int, config: PhaseNetConfig) -> dict[str, Any]:
    """Return sources and distances, those as a share of the face's side."""
    found = sources(mixer, side)
    rows, columns = np.divmod(found, side)
    here = np.arange(side)
    apart = np.hypot(rows - here[:, None], columns - here[None]) / side
    return {
        "mixer": config.mixer,
        "side": side,
        "channels_mixed": mixer.swapped,
        "source_row": rows.tolist(),
        "source_column": columns.tolist(),
        "distance": apart.round(4).tolist(),
        "share_moved": float((apart > 0).mean()),
        "mean_distance": float(apart.mean()),
        "largest_distance": float(apart.max()),
    }


MASK_FRAMES = 96  # read for masks; those after the warm-up count
MASK_EVERY = 8
ATTRIBUTION_FRAMES = 120
ATTRIBUTED, QUICK_ATTRIBUTED = 2, 1
TILES = 6
STEPS = 8
RANDOM_DRAWS = 8
COMPARED, QUICK_COMPARED = 3, 1

Maps = Float64[np.ndarray, "frame row column"]


def section(context: Context) -> dict[str, Any]:
    """Return masks against truth, what is mixed, and the two attributions."""
    subject = context.subject
    if isinstance(subject, Network):
        found: dict[str, Any] = {
            "masks": mask_table(context, subject),
            "mixing": mixing_table(subject.net),
        }
    else:
        reason = "a foreign network shows neither masks nor mixers; see the attributions"
        found = {"masks": {"withheld": reason}, "mixing": {"withheld": reason}}
    found["attributions"] = attribution_table(context, found["masks"])
    return {"claim": _claim(found), **found}


def mask_table(context: Context, subject: Network) -> dict[str, Any]:
    """Return the masks of every clip, and against the truth where it is known."""
    if subject.config.pooling != "asf":
        return {"withheld": "the network pools by a plain mean: every pixel weighs the same"}
    clips = []
    for index, clip in enumerate(context.clips):
        masks = masks_of(subject.net, clip)
        row: dict[str, Any] = {
            "source": clip.source,
            "mask": masks.mean(0).round(6).tolist(),
            "moves": float(masks.std(0).mean() / masks.mean()),
        }
        if _has_truth(clip):
            skin = shown_maps(skin_of(clip), subject.net, side=masks.shape[-1])
            row |= {"skin": skin.mean(0).round(4).tolist(), "scores": scores(masks, skin)}
            if context.synth is not None:
                pulsing = perfusion_map(clip_seed(context.seed, index), context.synth)
                strength = shown_maps(pulsing, subject.net, side=masks.shape[-1])
                row["perfusion"] = strength.mean(0).round(4).tolist()
                row["perfusion_rank_correlation"] = on_skin(masks, strength, skin)
        clips.append(row)
        context.progress("space", 0.5 * (index + 1) / len(context.clips))
    table: dict[str, Any] = {"clips": clips}
    scored = [row["scores"] for row in clips if "scores" in row]
    if scored:
        table["mean"] = {name: _mean([row[name] for row in scored]) for name in scored[0]}
        table["random_weights"] = random_comparison(context, subject)
    else:
        table["withheld"] = "the skin of these clips is not known; masks are shown, not scored"
    strengths = [row["perfusion_rank_correlation"] for row in clips if "perfusion" in row]
    if strengths:
        table["mean_perfusion_rank_correlation"] = _mean(strengths)
    return table


def masks_of(net: PhaseNet, clip: Clip) -> Float64[np.ndarray, "frame mask row column"]:
    """Return the masks of a clip's frames after the warm-up."""
    frames = clip.frames[None, :MASK_FRAMES].to(net.stem.weight)
    with torch.no_grad():
        masks = net.masks(frames)[0]
    return np.asarray(masks[_shown(net, len(masks))].double().cpu().numpy())


def shown_maps(maps: Float[Tensor, "time height width"], net: PhaseNet, *, side: int) -> Maps:
    """Return full-size maps as cells of the masks, in the frames whose masks are shown."""
    kept = maps[:MASK_FRAMES]
    return shrunk(kept[_shown(net, len(kept))], side=side)


def shrunk(maps: Float[Tensor, "time height width"], *, side: int) -> Maps:
    """Return the cell means of full-size maps, all frames."""
    small = functional.adaptive_avg_pool2d(maps[:, None].double(), side)[:, 0]
    return np.asarray(small.cpu().numpy())


def scores(masks: Float[np.ndarray, "frame mask row column"], skin: Maps) -> dict[str, list[float]]:
    """Return for each mask AUC, share on skin and overlap, means over frames; and what is even.

    Args:
        masks: Each sums to one over its cells.
        skin: Share of each cell that is skin, in the same frames.
    """
    flat, area = masks.reshape(*masks.shape[:2], -1), skin.reshape(len(skin), -1)
    spread = area / np.maximum(area.sum(1, keepdims=True), 1e-12)
    count = masks.shape[1]
    return {
        "auc_skin": [auc(flat[:, at], area >= 0.5) for at in range(count)],
        "share_on_skin": [float((flat[:, at] * area).sum(1).mean()) for at in range(count)],
        "overlap": [float(np.minimum(flat[:, at], spread).sum(1).mean()) for at in range(count)],
        "even_share_on_skin": [float(area.mean())] * count,
    }


def auc(
    values: Float[np.ndarray, "frame cell"], inside: np.ndarray[Any, np.dtype[np.bool_]]
) -> float:
    """Return the chance that a cell inside has more than one outside, ties half; mean over frames.

    Example:
        >>> auc(np.array([[0.1, 0.2, 0.3, 0.4]]), np.array([[False, False, True, True]]))
        1.0
    """
    found = []
    for row, mark in zip(values, inside, strict=True):
        many, few = int(mark.sum()), int((~mark).sum())
        if many and few:
            ranks = rankdata(row)[mark].sum()
            found.append((ranks - many * (many + 1) / 2) / (many * few))
    return float(np.mean(found)) if found else 0.5


def on_skin(
    masks: Float[np.ndarray, "frame mask row column"], strength: Maps, skin: Maps
) -> list[float]:
    """Return the rank correlation of each mask with the strength of the pulse, over skin alone."""
    mean, inside = masks.mean(0), skin.mean(0) >= 0.5
    if inside.sum() < 3:
        return [0.0] * len(mean)
    return [_rank(mask[inside], strength.mean(0)[inside]) for mask in mean]


def random_comparison(context: Context, subject: Network) -> dict[str, Any]:
    """Return the AUC of the best mask on the first clips, of the network and of random weights."""
    count = QUICK_COMPARED if context.budget.quick else COMPARED
    clips = [clip for clip in context.clips if _has_truth(clip)][:count]
    drawn = []
    for draw in range(RANDOM_DRAWS):
        drawn.append(random_network(subject.config, seed=context.first_draw + draw).net.float())
    return {
        "clips": len(clips),
        "own_auc_skin": best_auc(subject.net, clips),
        "random_auc_skin": [best_auc(other, clips) for other in drawn],
    }


def best_auc(net: PhaseNet, clips: Sequence[Clip]) -> float:
    """Return the AUC for skin of the mask that does best, a mean over clips."""
    rows = []
    for clip in clips:
        masks = masks_of(net, clip)
        skin = shown_maps(skin_of(clip), net, side=masks.shape[-1])
        rows.append(scores(masks, skin)["auc_skin"])
    return max(_mean(rows))


def attribution_table(context: Context, masks: dict[str, Any]) -> dict[str, Any]:
    """Return both attributions of the first clips, and how far they and the mask agree."""
    count = QUICK_ATTRIBUTED if context.budget.quick else ATTRIBUTED
    rows = []
    for index, clip in enumerate(context.clips[:count]):
        frames = context.frames(clip)[:, : fixed_length(context.subject) or ATTRIBUTION_FRAMES]
        try:
            row = attributions(context.subject, frames, tiles=TILES, steps=STEPS)
        except MissingExtraError as error:
            return {"withheld": str(error)}
        if "withheld" in row:
            return row
        lost, carried = np.array(row["occlusion"]), np.array(row["integrated_gradients"])
        row |= {"source": clip.source, "agreement": _rank(lost, carried)}
        if _has_truth(clip):
            area = shrunk(skin_of(clip)[: frames.shape[1]], side=len(lost)).mean(0)
            row["auc_skin"] = {
                "occlusion": auc(lost.reshape(1, -1), area.reshape(1, -1) >= 0.5),
                "integrated_gradients": auc(carried.reshape(1, -1), area.reshape(1, -1) >= 0.5),
            }
        if "clips" in masks:
            heaviest = torch.tensor(masks["clips"][index]["mask"]).sum(0)
            small = functional.adaptive_avg_pool2d(heaviest[None], len(lost))[0].numpy()
            row["agreement_with_masks"] = _rank(lost, small)
        rows.append(row)
        context.progress("space", 0.5 + 0.5 * (index + 1) / count)
    return {"clips": rows}


def _shown(net: PhaseNet, length: int) -> slice:
    return slice(min(net.config.warmup, length - 1), None, MASK_EVERY)


def _has_truth(clip: Clip) -> bool:
    return clip.truth is not None and clip.truth.skin_mask is not None


def _rank(first: Float[np.ndarray, "..."], second: Float[np.ndarray, "..."]) -> float:
    """Return the rank correlation of two maps; 0 where one of them is flat."""
    a, b = np.ravel(first), np.ravel(second)
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return 0.0
    return float(spearmanr(a, b).statistic)


def _mean(rows: Sequence[Sequence[float]]) -> list[float]:
    return [float(value) for value in np.mean(np.array(rows), axis=0)]


def _claim(found: dict[str, Any]) -> str:
    """Return the section in one line."""
    masks = found["masks"]
    if "mean" not in masks:
        return f"Where the network looks is shown, not judged: {masks['withheld']}."
    mean, null = masks["mean"], masks["random_weights"]
    best = int(np.argmax(mean["auc_skin"]))
    share, even = mean["share_on_skin"][best], mean["even_share_on_skin"][0]
    beaten = sum(null["own_auc_skin"] > value for value in null["random_auc_skin"])
    area = mean["auc_skin"][best]
    return (
        f"The best mask tells skin from the rest with AUC {area:.2f}, above {beaten} of "
        f"{len(null['random_auc_skin'])} networks with random weights; {100 * share:.0f} % of it "
        f"lies on skin, {100 * even:.0f} % would by an even weight."
    )
