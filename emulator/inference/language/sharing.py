"""Meaning without a model: hashed vectors of words and characters, so that texts that share them lie close."""

import re
from functools import lru_cache
from hashlib import blake2b
from math import sqrt

WORD = re.compile(r"[a-z0-9]+|[\u3400-\u9fff]")
COMMON = frozenset(
    "a an the of to in on at by for and or is are was were be it this that with as from do does can how what which i you "
    "we he she they my your please me about 的 了 是 在 和 有 我 你 他 她 它 们 吗 呢 吧 啊 请 与 及 就 也 都 而 着 把 被 个 一 不 要 会 能 到 说 这 那".split()
)


@lru_cache(8192)
def features(text: str) -> dict[str, float]:
    """What a text is made of and how much each part counts: words, pairs of words, pieces of words."""
    words = WORD.findall(text.lower())
    found: dict[str, float] = {}
    for word in words:
        weight = 0.15 if word in COMMON else 1.0
        found[word] = found.get(word, 0.0) + weight
        if len(word) > 4:
            for at in range(len(word) - 3):
                piece = f"#{word[at : at + 4]}"
                found[piece] = found.get(piece, 0.0) + 0.4
    for first, second in zip(words, words[1:], strict=False):
        if first in COMMON and second in COMMON:
            continue
        pair = f"{first} {second}"
        found[pair] = found.get(pair, 0.0) + 1.0
    return found


def likeness(one: str, other: str) -> float:
    """How alike two texts are, from 0 to 1: the cosine of their features."""
    left, right = features(one), features(other)
    if not left or not right:
        return 1.0 if one == other else 0.0
    if len(left) > len(right):
        left, right = right, left
    product = sum(weight * right.get(name, 0.0) for name, weight in left.items())
    return product / (norm(left) * norm(right))


def norm(found: dict) -> float:
    """The length of a feature vector."""
    return sqrt(sum(weight * weight for weight in found.values()))


@lru_cache(1 << 16)
def place_of(feature: str, dimensions: int) -> list[tuple[int, float]]:
    """Where a feature lies in a vector: four places and signs that follow from its name alone."""
    digest = blake2b(feature.encode(), digest_size=16).digest()
    return [
        (int.from_bytes(digest[at : at + 3]) % dimensions, 0.5 if digest[at + 3] & 1 else -0.5)
        for at in range(0, 16, 4)
    ]


def vector(text: str, dimensions: int = 1024) -> list[float]:
    """The vector of a text, of length one: the same text gives the same, similar texts lie close."""
    found = [0.0] * dimensions
    for feature, weight in (features(text) or {f"={text}": 1.0}).items():
        for place, sign in place_of(feature, dimensions):
            found[place] += sign * weight
    length = norm(dict(enumerate(found))) or 1.0
    return [round(value / length, 8) for value in found]


def relevance(query: str, document: str) -> float:
    """How much of a query a document speaks of, from 0 to 1: likeness, and the share of the query that it holds."""
    asked, held = features(query), features(document)
    total = sum(asked.values())
    covered = sum(weight for name, weight in asked.items() if name in held) / total if total else 0.0
    return 0.5 * likeness(query, document) + 0.5 * covered
