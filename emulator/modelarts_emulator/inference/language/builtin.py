"""The built-in model: it does what it can be seen to be asked, quotes what the conversation says, and otherwise
restates the question and says what it is.
"""

import json
import random
import re
from collections.abc import Iterator
from functools import cached_property
from hashlib import blake2b

from modelarts_emulator.inference.language.asked import Asked, Reply
from modelarts_emulator.inference.language.endings import limited, shorten_calls
from modelarts_emulator.inference.language.guided import guided_text, schema_in
from modelarts_emulator.inference.language.probabilities import CharacterModel
from modelarts_emulator.inference.language.sharing import likeness
from modelarts_emulator.inference.language.tasks import continued, done, parted, quoted, terms
from modelarts_emulator.inference.language.tokenizer import tokens
from modelarts_emulator.inference.language.tool_calls import chosen_call

CHINESE = re.compile(r"[\u3400-\u9fff]")
SENTENCES = 4
LIKE_ENOUGH = 0.12
MOST_KEPT, LONGEST_KEPT = 5000, 400
LONGEST_GREETING = 60
ANY_OBJECT = {"json": {}}


class Builtin:
    """A deterministic generator: the same question, seed and index give the same text.

    corpus: {"zh" | "en": {"sentences", "openings", "closings", "phrases", ...}}.
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
            words = tokens(self._guided(asked, source))
            reply.tokens = limited(reply, words, asked.most, asked.stop)
            return reply
        call = chosen_call(asked, source)
        if call is not None:
            reply = Reply([], tool_calls=[call], finish_reason="tool_calls")
            shorten_calls(reply, asked.most)
            return reply
        reply = Reply([])
        words = self._words(asked, source)
        if asked.thinks:
            reply.reasoning = self._thoughts(asked)[: asked.most_thoughts]
        reply.tokens = limited(reply, words, asked.most - len(reply.reasoning), asked.stop)
        return reply

    def _guided(self, asked: Asked, source: random.Random) -> str:
        """What follows the guide; where any object will do and the question names no members, the answer in one."""
        if asked.guide != ANY_OBJECT or schema_in(asked.question):
            return guided_text(asked.guide, asked.question, source)
        answer = "".join(self._sentences(asked, source)).strip()
        return json.dumps({"answer": answer}, ensure_ascii=False)

    def _words(self, asked: Asked, source: random.Random) -> Iterator[str]:
        said = 0
        for sentence in self._sentences(asked, source):
            words = self._tokens.get(sentence)
            if words is None:
                words = tokens(sentence)
                if len(self._tokens) < MOST_KEPT and len(sentence) < LONGEST_KEPT:
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
        is_chat = asked.prompt is None
        if is_chat and asked.messages[-1]["role"] == "tool":
            yield pick(language["tool_answers"], asked, source).format(result=asked.messages[-1]["content"])
            return
        bare = question.lower().strip(" \n!?.,！？。，~")
        is_short = is_chat and len(bare) < LONGEST_GREETING
        if is_short and any(word in bare for word in language["introduction_words"]):
            yield pick(language["introductions"], asked, source).format(model=asked.model)
            return
        if is_chat and bare in language["greeting_words"]:
            yield pick(language["greetings"], asked, source).format(model=asked.model)
            return
        answer = asked.tuned.lesson(question) if asked.tuned else None
        if answer is None:
            answer = done(asked, language["phrases"]) if is_chat else continued(question)
        if answer is not None:
            yield answer
            return
        yield from self._talk(asked, language, source)

    def _talk(self, asked: Asked, language: dict, source: random.Random) -> Iterator[str]:
        """What the conversation or the corpus says about the question, which is restated first."""
        topic = topic_of(parted(asked)[0] or asked.question)
        if asked.prompt is None:
            yield pick(language["openings"], asked, source).format(topic=topic)
        told = quoted(asked) if asked.prompt is None else []
        told = told or self._relevant(asked.question, language, asked, source)
        for sentence in told:
            yield spaced(sentence)
        if not told:
            about = language["joint"].join(terms(asked.question)[:4]) or topic
            for kind in ("about", "unknown"):
                yield spaced(pick(language[kind], asked, source).format(terms=about, model=asked.model))
        if asked.prompt is None:
            yield spaced(pick(language["closings"], asked, source))

    def _relevant(self, question: str, language: dict, asked: Asked, source: random.Random) -> list[str]:
        """Those sentences of the corpus that have to do with the question, the closest first; often none."""
        wanted = {part for term in terms(question) for part in parts_of(term.lower())}
        known = [
            sentence for sentence in language["sentences"] if any(part in sentence.lower() for part in wanted)
        ]
        scored = [(likeness(question, sentence), sentence) for sentence in known]
        close = sorted((pair for pair in scored if pair[0] > LIKE_ENOUGH), key=lambda pair: -pair[0])
        candidates = [sentence for _, sentence in close[: 2 * SENTENCES]]
        if asked.is_greedy or not candidates:
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


def parts_of(term: str) -> list[str]:
    """What of a term may stand in a sentence about the same: an English word whole, two Chinese characters."""
    return [term[at : at + 2] for at in range(len(term) - 1)] if CHINESE.search(term) else [term]


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
