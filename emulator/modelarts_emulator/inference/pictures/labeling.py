"""Labels proposed for pictures: learnt from those that have labels, each with how sure it is."""

from typing import NamedTuple

import numpy as np
import orjson
from PIL import Image

from modelarts_emulator.inference.pictures.features import feature_of
from modelarts_emulator.inference.vision import detected

# What a proposal has to be sure of to be learnt from in its turn.
SURE = 0.9
HARD, COEFFICIENT = "@modelarts:hard", "@modelarts:hard_coefficient"
REASONS, SHAPE, FEATURE = "@modelarts:hard_reasons", "@modelarts:shape", "@modelarts:feature"
NOTHING_FOUND, LOW_CONFIDENCE = 0, 1
# A proposal is a hard one between these, unless somebody says otherwise.
HARD_SCORES = (0.0, 0.6)
STEPS, STRIDE, DECAY = 200, 0.5, 1e-3
LEAST_OF_BOX = 0.05


class Proposal(NamedTuple):
    """A label for a picture: its name, how sure it is, and for a thing in the picture its box [x, y, right, bottom]."""

    name: str
    score: float
    box: tuple[int, int, int, int] | None = None


class Classifier:
    """Softmax regression over features that are centred and scaled; names in order of the alphabet."""

    def __init__(self, features: np.ndarray, names: list[str]):
        self.names = sorted(set(names))
        self._middle = features.mean(axis=0)
        self._spread = features.std(axis=0) + 0.05
        rows, wanted = self._scaled(features), np.array([self.names.index(name) for name in names])
        self._weights = np.zeros((rows.shape[1], len(self.names)))
        goal = np.eye(len(self.names))[wanted]
        # As much is learnt of a rare label as of a common one.
        weight = (1 / goal.sum(axis=0))[wanted][:, None] / len(self.names)
        for _ in range(STEPS):
            slope = rows.T @ ((softmax(rows @ self._weights) - goal) * weight)
            self._weights -= STRIDE * (slope + DECAY * self._weights)

    def shares(self, features: np.ndarray) -> np.ndarray:
        """How likely each name is, for each row."""
        return softmax(self._scaled(features) @ self._weights)

    def best(self, feature: np.ndarray) -> tuple[str, float]:
        """The likeliest name and how likely it is."""
        shares = self.shares(feature[None])[0]
        return self.names[int(shares.argmax())], round(float(shares.max()), 4)

    def _scaled(self, features: np.ndarray) -> np.ndarray:
        rows = (features - self._middle) / self._spread / np.sqrt(features.shape[1])
        return np.hstack([rows, np.ones((len(rows), 1))])


def softmax(values: np.ndarray) -> np.ndarray:
    """Shares that add up to one, row by row."""
    powers = np.exp(values - values.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def learnt(features: list[np.ndarray], names: list[str], others: list[np.ndarray]) -> Classifier:
    """A classifier; others: features without names, from which it learns too where it is sure of them."""
    known = np.array(features)
    classifier = Classifier(known, names)
    if not others:
        return classifier
    rows = np.array(others)
    shares = classifier.shares(rows)
    sure = shares.max(axis=1) >= SURE
    more = [classifier.names[at] for at in shares[sure].argmax(axis=1)]
    return Classifier(np.vstack([known, rows[sure]]), [*names, *more])


def crop_features(image: Image.Image, boxes: list[tuple[int, int, int, int]]) -> list[np.ndarray]:
    """The features of what is in each box; boxes that lie outside have none."""
    found = []
    for left, top, right, bottom in boxes:
        box = (max(0, left), max(0, top), min(image.width, right), min(image.height, bottom))
        if box[0] < box[2] and box[1] < box[3]:
            found.append(feature_of(image.convert("RGB").crop(box)))
    return found


def things_in(image: Image.Image) -> list[tuple[int, int, int, int]]:
    """The boxes of what stands out of the ground of a picture."""
    found = (thing["Box"] for thing in detected(image.convert("RGB"), LEAST_OF_BOX, 0.5, True))
    return [(box["X"], box["Y"], box["X"] + box["Width"], box["Y"] + box["Height"]) for box in found]


def proposals_for(classifier: Classifier, image: Image.Image, in_boxes: bool) -> list[Proposal]:
    """The label of a picture, or of each thing that stands out in it."""
    if not in_boxes:
        return [Proposal(*classifier.best(feature_of(image)))]
    boxes = [box for box in things_in(image) if crop_features(image, [box])]
    return [Proposal(*classifier.best(crop_features(image, [box])[0]), box) for box in boxes]


def proposals_in(answer: bytes, in_boxes: bool) -> list[Proposal]:
    """What a model of the platform answers, as proposals. ValueError for an answer of another form."""
    try:
        found = orjson.loads(answer)
        if not in_boxes:
            scores = {str(name): float(score) for name, score in found.get("scores", ())}
            name = str(found["predicted_label"])
            return [Proposal(name, scores.get(name, max(scores.values(), default=1.0)))]
        members = (found[f"detection_{name}"] for name in ("classes", "scores", "boxes"))
        return [
            Proposal(str(name), float(score), tuple(round(float(box[at])) for at in (1, 0, 3, 2)))
            for name, score, box in zip(*members, strict=True)
        ]
    except (KeyError, TypeError, IndexError, AttributeError, ValueError) as error:
        wanted = "detection_classes, detection_scores and detection_boxes" if in_boxes else "predicted_label"
        raise ValueError(f"the model has not answered with {wanted}: {error}") from None


def sample_with(proposals: list[Proposal], type: int, scope: str | None, collects: bool) -> dict:
    """What a sample says once these labels are proposed for it, and whether it is a hard one.

    type: of the labels. scope: "low-high", the confidence of hard ones. collects: whether hard samples are looked for.
    """
    low, high = map(float, scope.split("-")) if scope else HARD_SCORES
    hard = [collects and low <= each.score <= high for each in proposals]
    score = min((each.score for each in proposals), default=0.0)
    is_hard = collects and (any(hard) or not proposals)
    reasons = [LOW_CONFIDENCE if proposals else NOTHING_FOUND] if is_hard else []
    coefficient = round(1 - score, 4) if is_hard else 0.0
    return {
        "labels": [label_of(each, type, mark) for each, mark in zip(proposals, hard, strict=True)],
        "metadata": {HARD: is_hard, COEFFICIENT: coefficient, REASONS: reasons},
    }


def label_of(proposal: Proposal, type: int, is_hard: bool) -> dict:
    """A proposal as a label of a sample."""
    properties: dict = {HARD: str(is_hard).lower()}
    properties[COEFFICIENT] = str(round(1 - proposal.score, 4) if is_hard else 0.0)
    if proposal.box is not None:
        properties |= {SHAPE: "bndbox", FEATURE: [list(proposal.box[:2]), list(proposal.box[2:])]}
    label = {"name": proposal.name, "type": type, "score": proposal.score, "annotated_by": "auto"}
    return label | {"property": properties}


def lessons_of(image: Image.Image, labels: list[dict], in_boxes: bool) -> list[tuple[np.ndarray, str]]:
    """(feature, name of a label) of a picture with labels: of all of it, or of what is in each box."""
    if not in_boxes:
        return [(feature_of(image), label["name"]) for label in labels]
    found = []
    for label in labels:
        left, top, right, bottom = (round(side) for point in label["property"][FEATURE] for side in point)
        found += [(each, label["name"]) for each in crop_features(image, [(left, top, right, bottom)])]
    return found


def learnt_from(lessons: list[tuple[np.ndarray, str]], others: list[np.ndarray]) -> Classifier:
    """A classifier, as `learnt` makes it. ValueError when there are fewer than two names."""
    if len({name for _, name in lessons}) < 2:
        raise ValueError("fewer than two labels have a picture that can be read")
    return learnt([feature for feature, _ in lessons], [name for _, name in lessons], others)
