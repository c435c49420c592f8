"""Prefix caching: blocks of 128 prompt tokens, found again by all that stands before them."""

from collections import OrderedDict
from hashlib import blake2b

BLOCK = 128
MOST_BLOCKS = 16_384


class PrefixCache:
    """The blocks a server remembers; the least recently used go first."""

    def __init__(self, most: int = MOST_BLOCKS):
        self.most = most
        self._blocks: OrderedDict[bytes, None] = OrderedDict()

    def admit(self, model: str, prompt: list[str]) -> int:
        """How many tokens at the start of the prompt were there already; all its whole blocks are from now on."""
        cached, chain, unbroken = 0, model.encode(), True
        for at in range(0, len(prompt) - BLOCK + 1, BLOCK):
            block = "\x00".join(prompt[at : at + BLOCK]).encode("utf-8", "surrogatepass")
            chain = blake2b(chain + block, digest_size=16).digest()
            unbroken = unbroken and chain in self._blocks
            cached += BLOCK if unbroken else 0
            self._blocks[chain] = None
            self._blocks.move_to_end(chain)
        while len(self._blocks) > self.most:
            self._blocks.popitem(last=False)
        return cached

    def __len__(self) -> int:
        return len(self._blocks)
