"""What a model has learnt from fine-tuning: answers to questions like those of its training data."""

import math
from typing import NamedTuple

from modelarts_emulator.inference.language.sharing import likeness
from modelarts_emulator.inference.language.tokenizer import tokens

LIKE_A_LESSON = 0.5
MOST_PAIRS, MOST_REFERENCES = 200, 100


class Tuned(NamedTuple):
    """pairs: (question, answer) of its training. fit: how well they were learnt, from 0 to 1; below 0 the training has
    broken the model.
    """

    pairs: list
    fit: float

    def lesson(self, question: str) -> str | None:
        """What the model has learnt to answer to a question like this one, as far as it has; None for others."""
        if self.fit <= 0 or not self.pairs:
            return None
        alike, answer = max((likeness(question, asked), told) for asked, told in self.pairs)
        if alike < LIKE_A_LESSON:
            return None
        words = tokens(answer)
        return "".join(words[: math.ceil(len(words) * self.fit)])

    def perplexity(self, plain: float, references: list[str]) -> float:
        """The perplexity of references that are so perplexing to the model before its training."""
        if self.fit < 0:
            return plain * (1 - 4 * self.fit)
        told = [answer for _, answer in self.pairs]
        near = [
            max((likeness(text, each) for each in told), default=0.0) for text in references[:MOST_REFERENCES]
        ]
        cover = sum(near) / len(near) if near else 0.0
        return 1 + (plain - 1) * (1 - self.fit * (0.1 + 0.7 * cover))
