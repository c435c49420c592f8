"""Which pictures of a collection are kept: those that fit examples, one of each that look alike, the telling ones."""

from collections.abc import Sequence

import numpy as np

from modelarts_emulator.inference.pictures.catalogue import AUTO
from modelarts_emulator.inference.pictures.features import groups_of, likeness


def clusters_asked(asked: int | str, count: int) -> int:
    """How many groups so many pictures fall into; where it is left open, more of more pictures."""
    return max(1, round((count / 2) ** 0.5)) if asked == AUTO else int(asked)


def left_out(name: str, rows: Sequence[np.ndarray], params: dict, examples: dict, random) -> dict[int, str]:
    """{row of a picture: why it is left out} by the operator of that name.

    examples: {name of a parameter: features of the pictures in the folder that it names}.
    """
    if not len(rows):
        return {}
    features = np.array(rows)
    if name == "SimDeduplication":
        return alike(features, params["simlarity_threshold"])
    if name == "RRD":
        return redundant(features, params, random)
    return unlike(features, params, examples, random)


def alike(features: np.ndarray, threshold: float) -> dict[int, str]:
    """Those that look like one before them."""
    kept: list[int] = []
    found = {}
    for row, feature in enumerate(features):
        values = likeness(feature, features[kept]) if kept else np.zeros(0)
        if len(values) and values.max() >= threshold:
            found[row] = f"looks like picture {kept[int(values.argmax())]} by {values.max():.2f}"
        else:
            kept.append(row)
    return found


def redundant(features: np.ndarray, params: dict, random) -> dict[int, str]:
    """In each group those that add least to the ones that are kept, until the share that is asked for is left."""
    groups = groups_of(features, clusters_asked(params["n_clusters"], len(features)), random)
    found = {}
    for group in sorted(set(groups.tolist())):
        rows = np.flatnonzero(groups == group)
        most = max(1, round(params["sample_ratio"] * len(rows)))
        middle = features[rows].mean(axis=0)
        chosen = [int(rows[((features[rows] - middle) ** 2).sum(axis=1).argmin()])]
        while len(chosen) < most:
            near = np.max([likeness(features[each], features[rows]) for each in chosen], axis=0)
            near[np.isin(rows, chosen)] = 2
            chosen.append(int(rows[near.argmin()]))
        found |= {int(row): f"adds little to group {group}" for row in rows if row not in chosen}
    return found


def unlike(features: np.ndarray, params: dict, examples: dict, random) -> dict[int, str]:
    """Those further from every good example than the distance allows, and those nearer to a bad one; the good examples
    stand in groups, whose middles count as examples too.
    """
    good, bad = (np.array(examples[f"{kind}_sample_path"]) for kind in ("prototype", "criticism"))
    groups = groups_of(good, clusters_asked(params["n_clusters"], len(good)), random)
    middles = [good[groups == group].mean(axis=0) for group in sorted(set(groups.tolist()))]
    good = np.vstack([good, middles])
    found = {}
    for row, feature in enumerate(features):
        away = 1 - float(likeness(feature, good).max())
        near_bad = 0.0 if not len(bad) else float(likeness(feature, bad).max())
        if near_bad > max(1 - away, params["simlarity_threshold"]):
            found[row] = f"looks like a bad example by {near_bad:.2f}"
        elif away > params["embedding_distance"]:
            found[row] = f"is {away:.2f} from the nearest good example"
    return found
