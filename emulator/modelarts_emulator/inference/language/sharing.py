"""Meaning without a model: hashed vectors of words and characters, so that texts that share them lie close."""

import re
from functools import lru_cache
from hashlib import blake2b
from itertools import pairwise
from math import sqrt

WORD = re.compile(r"[a-z0-9]+|[\u3400-\u9fff]")
COMMON_ENGLISH = (
    "a an the of to in on at by for and or is are was were be it this that with as from do does can how what which "
    "i you we he she they my your please me about"
)
COMMON_CHINESE = "的了是在和有我你他她它们吗呢吧啊请与及就也都而着把被个一不要会能到说这那"
COMMON = frozenset([*COMMON_ENGLISH.split(), *COMMON_CHINESE])


@lru_cache(512)
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
    for first, second in pairwise(words):
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


@lru_cache(2048)
def direction(feature: str, dimensions: int):
    """The direction of a feature: as good as at right angles to any other, and it follows from the name alone."""
    from numpy.random import PCG64, Generator

    seed = int.from_bytes(blake2b(feature.encode("utf-8", "surrogatepass"), digest_size=8).digest())
    return Generator(PCG64(seed)).standard_normal(dimensions)


def vector(text: str, dimensions: int = 1024) -> list[float]:
    """The vector of a text, of length one: the same text gives the same, similar texts lie close."""
    found = 0.0
    for feature, weight in (features(text) or {f"={text}": 1.0}).items():
        found = found + weight * direction(feature, dimensions)
    return (found / sqrt(found @ found)).round(8).tolist()


def relevance(query: str, document: str) -> float:
    """How much of a query a document speaks of, from 0 to 1: likeness, and the share of the query that it holds."""
    asked, held = features(query), features(document)
    total = sum(asked.values())
    covered = sum(weight for name, weight in asked.items() if name in held) / total if total else 0.0
    return 0.5 * likeness(query, document) + 0.5 * covered
