"""How probable a text is: an interpolated model of characters that gives every text a probability above zero."""

from collections import Counter, defaultdict
from math import exp, log

from modelarts_emulator.inference.language.tokenizer import tokens

ORDER = 5
CHARACTERS = 0x110000
MARK = "\x02"


class CharacterModel:
    """Probabilities of characters after up to four others, learnt from texts, smoothed after Witten and Bell."""

    def __init__(self, texts):
        self._after: dict[str, Counter] = defaultdict(Counter)
        for text in texts:
            padded = MARK + text
            for at in range(1, len(padded)):
                for length in range(min(ORDER, at + 1)):
                    self._after[padded[at - length : at]][padded[at]] += 1
        self._totals = {context: sum(seen.values()) for context, seen in self._after.items()}

    def probability(self, character: str, context: str) -> float:
        """The probability of a character after a context; over all characters these add up to one."""
        found = 1 / CHARACTERS
        for length in range(ORDER):
            if length > len(context):
                break
            key = context[len(context) - length :]
            seen = self._after.get(key)
            if seen is None:
                break
            total, kinds = self._totals[key], len(seen)
            found = (seen.get(character, 0) + kinds * found) / (total + kinds)
        return found

    def log_probability(self, token: str, context: str) -> float:
        """The natural logarithm of a token's probability after a text."""
        found = 0.0
        padded = MARK + context[-ORDER:] if len(context) < ORDER else context[-ORDER:]
        for character in token:
            found += log(self.probability(character, padded))
            padded = padded[-ORDER:] + character
        return found

    def log_probabilities(self, words: list[str], context: str = "") -> list[float]:
        """The logarithm of each token's probability after those before it."""
        found = []
        for word in words:
            found.append(self.log_probability(word, context))
            context = (context + word)[-ORDER:]
        return found

    def perplexity(self, texts: list[str], prompts: list[str] | None = None) -> float:
        """The perplexity per token of texts, each after its prompt. ValueError when there is no token at all."""
        total, number = 0.0, 0
        for text, prompt in zip(texts, prompts or [""] * len(texts), strict=True):
            found = self.log_probabilities(tokens(text), prompt)
            total += sum(found)
            number += len(found)
        if number == 0:
            raise ValueError("there is no token to measure")
        return exp(-total / number)
