"""The built-in model: short sensible text in Chinese or English, put together from a fixed corpus by seed
and question.
"""

import random
import re
from collections.abc import Iterator
from functools import cached_property
from hashlib import blake2b

from modelarts_emulator.inference.language.asked import Asked, Reply
from modelarts_emulator.inference.language.endings import limited
from modelarts_emulator.inference.language.guided import guided_text
from modelarts_emulator.inference.language.probabilities import CharacterModel
from modelarts_emulator.inference.language.sharing import likeness
from modelarts_emulator.inference.language.tokenizer import tokens
from modelarts_emulator.inference.language.tool_calls import chosen_call

CHINESE = re.compile(r"[\u3400-\u9fff]")
SENTENCES = 4
LIKE_ENOUGH = 0.05


class Builtin:
    """A deterministic generator: the same question, seed and index give the same text.

    corpus: {"zh" | "en": {"sentences", "openings", "closings", "greetings", ...}}.
    """

    def __init__(self, corpus: dict):
        self.corpus = corpus
        self._tokens: dict[str, list[str]] = {}

    @cached_property
    def probabilities(self) -> CharacterModel:
        """How probable this model holds a text to be; learnt from its corpus."""
        return CharacterModel(self.corpus["zh"]["sentences"] + [" ".join(self.corpus["en"]["sentences"])])

    def reply(self, asked: Asked) -> Reply:
        """What the model says. GuideImpossible when nothing satisfies the guide."""
        source = chance(asked)
        if asked.guide is not None:
            reply = Reply([])
            words = tokens(guided_text(asked.guide, asked.question, source))
            reply.tokens = limited(reply, words, asked.most)
            return reply
        call = chosen_call(asked, source)
        if call is not None:
            return Reply([], tool_calls=[call], finish_reason="tool_calls")
        reply = Reply([])
        words = self._words(asked, source)
        if asked.thinks:
            reply.reasoning = self._thoughts(asked)[: asked.most]
        reply.tokens = limited(reply, words, asked.most - len(reply.reasoning), asked.stop)
        return reply

    def _words(self, asked: Asked, source: random.Random) -> Iterator[str]:
        said = 0
        for sentence in self._sentences(asked, source):
            words = self._tokens.get(sentence)
            if words is None:
                words = tokens(sentence)
                if len(self._tokens) < 5000:
                    self._tokens[sentence] = words
            yield from words
            said += len(words)
        least = max(asked.least, asked.most if asked.ignore_eos else 0)
        if said >= least:
            return
        language = self.corpus[language_of(asked.question)]
        further = list(language["sentences"])
        while said < least:
            source.shuffle(further)
            for sentence in further:
                words = tokens(spaced(sentence))
                yield from words
                said += len(words)
                if said >= least:
                    return

    def _sentences(self, asked: Asked, source: random.Random) -> Iterator[str]:
        """The sentences of an answer, each so that its tokens do not reach into the next."""
        question = asked.question
        language = self.corpus[language_of(question)]
        if asked.prompt is not None:
            for sentence in self._relevant(question, language, asked, source):
                yield spaced(sentence)
            return
        if asked.messages[-1]["role"] == "tool":
            yield pick(language["tool_answers"], asked, source).format(result=asked.messages[-1]["content"])
            return
        bare = question.lower().strip(" \n!?.,！？。，~")
        if any(word in bare for word in language["introduction_words"]):
            yield pick(language["introductions"], asked, source).format(model=asked.model)
            return
        if bare in language["greeting_words"]:
            yield pick(language["greetings"], asked, source).format(model=asked.model)
            return
        yield pick(language["openings"], asked, source).format(topic=topic_of(question))
        for sentence in self._relevant(question, language, asked, source):
            yield spaced(sentence)
        yield spaced(pick(language["closings"], asked, source))

    def _relevant(self, question: str, language: dict, asked: Asked, source: random.Random) -> list[str]:
        """A few sentences that have to do with the question, the closest first; drawn where none has."""
        scored = [(likeness(question, sentence), sentence) for sentence in language["sentences"]]
        close = sorted((pair for pair in scored if pair[0] > LIKE_ENOUGH), key=lambda pair: -pair[0])
        candidates = [sentence for _, sentence in close[: 2 * SENTENCES]]
        if len(candidates) < 2:
            others = [sentence for sentence in language["sentences"] if sentence not in candidates]
            candidates += source.sample(others, 3)
        if asked.is_greedy:
            return candidates[:SENTENCES]
        kept = max(1, round(len(candidates) * asked.top_p))
        drawn = source.sample(range(kept), min(kept, source.randint(1, SENTENCES - 1)))
        return [candidates[at] for at in sorted({0, *drawn})]

    def _thoughts(self, asked: Asked) -> list[str]:
        language = self.corpus[language_of(asked.question)]
        joint = "" if language_of(asked.question) == "zh" else " "
        return tokens(joint.join(language["thoughts"]).format(topic=topic_of(asked.question)))


def chance(asked: Asked) -> random.Random:
    """The random source of an answer: by seed, question and, unless the most probable is wanted, index."""
    index = 0 if asked.is_greedy else asked.index
    said = "\x00".join(f"{message['role']}\x01{message['content']}" for message in asked.messages)
    text = f"{asked.seed}\x00{asked.model}\x00{index}\x00{asked.prompt}\x00{said}"
    return random.Random(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest())


def language_of(text: str) -> str:
    """`zh` for a text with Chinese in it, else `en`."""
    return "zh" if CHINESE.search(text) else "en"


def topic_of(question: str) -> str:
    """What a question is about: its first line, shortened, without braces and marks at its end."""
    line = next((line.strip() for line in question.splitlines() if line.strip()), question.strip())
    short = line[:24] if CHINESE.search(line) else " ".join(line.split()[:8])[:60]
    return re.sub(r"[{}]", "", short).strip(" ?!.,，。？！：:") or "…"


def spaced(sentence: str) -> str:
    """A sentence as it follows another: an English one after a blank."""
    return sentence if CHINESE.search(sentence) else f" {sentence}"


def pick(variants: list[str], asked: Asked, source: random.Random) -> str:
    """One of the variants; the first when the most probable is wanted."""
    return variants[0] if asked.is_greedy else source.choice(variants)
