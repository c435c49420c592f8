"""Small tasks that a question can be seen to ask for, done for real: count, repeat, turn round, sort, shorten, list,
remember, quote.
"""

import re
from collections.abc import Callable, Iterator

from modelarts_emulator.inference.language.arithmetic import calculated
from modelarts_emulator.inference.language.asked import Asked
from modelarts_emulator.inference.language.sharing import COMMON, likeness

LONGEST = 20_000
WENT_ON = 10
MOST_ITEMS = 50
MOST_COUNTED = 1000
ALIKE = 0.18
QUOTED = re.compile(r"[\"“”「『‘](.+?)[\"“”」』’]|(?<!\w)'(.+?)'(?!\w)", re.DOTALL)
SENTENCE = re.compile(r"[^。！？!?\n]+?(?:[。！？]|[.!?](?=\s|$)|\n|$)")
WORDS = re.compile(r"[A-Za-z0-9'’-]+|[\u3400-\u9fff]")
HAN = re.compile(r"[\u3400-\u9fff]")
DIGITS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
NUMBERS = dict(zip(DIGITS, range(1, 11), strict=True))
NUMBERS |= dict(zip("一二三四五六七八九十", range(1, 11), strict=True)) | {"两": 2}
NUMBER = rf"(\d{{1,4}}|{'|'.join(NUMBERS)})"
LETTER = re.compile(
    r"how many (?:times (?:does )?)?(?:the )?(?:letters? )?['\"“]?(?P<letter>[a-z0-9])['\"”]?(?:'?s|-s)?\b.*?"
    r" in (?:the word )?['\"“]?(?P<word>[\w-]+)"
    r"|(?<![A-Za-z0-9-])(?P<other>[A-Za-z0-9-]{1,60})[”\"']?(?:这个词)?[里中]?(?:一共|总共)?有(?:几|多少)个(?:字母)?[“\"']?(?P<letter2>[a-z0-9])\b",
    re.IGNORECASE,
)
COUNT = re.compile(
    r"(?:how many|count the(?: number of)?)\s+(?P<kind>words|characters|letters|sentences|lines|items|tokens|numbers)\b"
    r"|有(?:几|多少)个?(?P<zh>字符|字|词|句|行|数字)",
    re.IGNORECASE,
)
RANGE = re.compile(
    rf"count (?:up |down )?(?:from {NUMBER} )?to {NUMBER}|从\s*{NUMBER}\s*数到\s*{NUMBER}|数到\s*{NUMBER}",
    re.I,
)
ECHO = re.compile(
    r"(?:repeat(?: after me)?|echo|say|write|output|print|reply|respond|answer)(?: with| back)?"
    r"(?P<strict>(?: exactly| only| just| the (?:following|words?|text|phrase|sentence)| this)*)\s*"
    r"(?P<mark>[:：]?)\s*(?P<text>.+)"
    r"|(?:重复|复述|跟我念|只说|只回答|只回复|回复|回答|说)(?:以下|下面|这句话|的话|一遍|文字|内容)*\s*(?P<zhmark>[:：]?)\s*(?P<zh>.+)",
    re.IGNORECASE | re.DOTALL,
)
TAIL = re.compile(
    r"[,，]?\s{0,3}(?:and )?(?:nothing else|nothing more|only|不要说别的|即可|就行)[.。!！]?\s*$",
    re.IGNORECASE,
)
NAMED = re.compile(
    r"\b(?:words?|texts?|strings?|sentences?|phrases?|numbers?|lists?)\s+(?!in\b|of\b|are\b|is\b)(.+)",
    re.I | re.S,
)
SHORTEN = re.compile(r"summari[sz]e|summary|tl;?dr|shorten|总结|概括|摘要|概述|归纳", re.IGNORECASE)
LIST = re.compile(
    rf"\b{NUMBER}\s+(?:\w+\s+)?(?:tips|points|ideas|reasons|steps|examples|ways|facts|items|questions|names|things|bullets?)\b"
    rf"|{NUMBER}\s*(?:个|条|点|种|项)(?!字|词|月|小时)",
    re.IGNORECASE,
)
NAME_ASKED = re.compile(
    r"(?:what(?:'s| is)|do you (?:know|remember)|tell me) my name|who am i|我叫什么|我的名字|我是谁", re.I
)
NAME_SAID = re.compile(
    r"(?i:my name is|i am called|call me|i'm|i am)\s+([A-Z][\w-]*)|(?:我叫|我的名字是|我是)([\u4e00-\u9fff]{1,4}|\w+)"
)
BEFORE = re.compile(
    r"what did i (?:just )?(?:say|ask|write)|my (?:last|previous) (?:question|message)|我(?:刚才|之前|上一?[句次])",
    re.I,
)
CHANGES: list[tuple[str, Callable[[str], str]]] = [
    (r"\breverse\b|backwards|反转|倒过来|倒着", lambda text: text[::-1]),
    (r"upper ?case|capital letters|大写", str.upper),
    (r"lower ?case|小写", str.lower),
    (r"\bsort\b|alphabetical|排序|从小到大", lambda text: in_order(text)),
]


def done(asked: Asked, phrases: dict) -> str | None:
    """The answer to a question that asks for one of the tasks; None for any other. phrases: of its language."""
    question = asked.question[-LONGEST:]
    for task in (recalled, counted, counted_up, repeated, changed, shortened, computed, listed):
        said = task(question, asked, phrases)
        if said is not None:
            return said
    return None


def computed(question: str, asked: Asked, phrases: dict) -> str | None:
    """What a calculation comes to."""
    found = calculated(question[-500:])
    return None if found is None else f"{found[0]} = {found[1]}"


def recalled(question: str, asked: Asked, phrases: dict) -> str | None:
    """The name, or the message, that the user has said before."""
    before = [said["content"] for said in asked.messages if said["role"] == "user"][:-1]
    if NAME_ASKED.search(question):
        found = [match for text in reversed(before) if (match := NAME_SAID.search(text))]
        return phrases["name"].format(name=found[0][1] or found[0][2]) if found else phrases["no_name"]
    if BEFORE.search(question):
        return phrases["before"].format(text=before[-1].strip()) if before else phrases["nothing_before"]
    return None


def counted(question: str, asked: Asked, phrases: dict) -> str | None:
    """How many letters, words, sentences ... a text has."""
    letter = LETTER.search(question)
    if letter:
        one, word = letter["letter"] or letter["letter2"], letter["word"] or letter["other"]
        number = word.lower().count(one.lower())
        return phrases["letters"].format(letter=one, word=word, number=number)
    found = COUNT.search(question)
    text = None if found is None else material(question, found.end(), found.start())
    if not text:
        return None
    kind = (found["kind"] or found["zh"]).lower()
    return phrases["counted"].format(kind=kind, number=number_of(kind, text))


def number_of(kind: str, text: str) -> int:
    """How many of that kind are in a text."""
    if kind in ("characters", "字符"):
        return len(text)
    if kind in ("letters", "字"):
        return len(HAN.findall(text) if kind == "字" else [each for each in text if each.isalpha()])
    if kind in ("lines", "行"):
        return len(text.splitlines())
    if kind in ("sentences", "句"):
        return len(sentences(text))
    if kind in ("numbers", "数字"):
        return len(re.findall(r"-?\d+(?:\.\d+)?", text))
    return len(items(text)) if kind == "items" else len(WORDS.findall(text))


def counted_up(question: str, asked: Asked, phrases: dict) -> str | None:
    """The numbers from one to another."""
    found = RANGE.search(question)
    if not found:
        return None
    ends = [number_in(text) for text in found.groups() if text]
    first, last = ends if len(ends) == 2 else (1, ends[0])
    step = 1 if first <= last else -1
    return ", ".join(map(str, range(first, last + step, step)[:MOST_COUNTED]))


def repeated(question: str, asked: Asked, phrases: dict) -> str | None:
    """The words that are to be said, where it is plain which."""
    found = ECHO.search(question)
    if not found or len(question[: found.start()].split()) > 6:
        return None
    text = (found["text"] or found["zh"] or "").strip()
    in_quotes = QUOTED.match(text)
    verb = found[0].lower()
    is_plain = found["strict"] or found["mark"] or found["zhmark"] or TAIL.search(text)
    if in_quotes:
        return in_quotes[1] or in_quotes[2]
    is_plain = is_plain or (verb.startswith("say") and len(text.split()) <= 3 and "about" not in text)
    if is_plain or verb.startswith(("repeat", "echo", "reply with", "respond with")):
        return TAIL.sub("", text).strip() or None
    return None


def changed(question: str, asked: Asked, phrases: dict) -> str | None:
    """A text turned round, in other letters or in order."""
    for word, change in CHANGES:
        found = re.search(word, question, re.IGNORECASE)
        text = material(question, found.end(), found.start()) if found else None
        if text:
            return change(text)
    return None


def shortened(question: str, asked: Asked, phrases: dict) -> str | None:
    """The sentences that say most of a text: those most like all of it."""
    found = SHORTEN.search(question)
    text = material(question, found.end(), found.start()) if found else None
    if not text:
        return None
    parts = sentences(text)
    best = sorted(parts, key=lambda part: -likeness(part, text))[: max(1, min(3, len(parts) // 3))]
    return ("" if HAN.search(text) else " ").join(part for part in parts if part in best)


def listed(question: str, asked: Asked, phrases: dict) -> str | None:
    """As many points as were asked for, each naming what it is about."""
    found = LIST.search(question)
    if not found:
        return None
    number = min(MOST_ITEMS, number_in(found[1] or found[2]))
    about = ", ".join(terms(question[: found.start()] + " " + question[found.end() :])[:2]) or found[0]
    aspects = phrases["aspects"]
    return "\n".join(f"{at + 1}. {about}: {aspects[at % len(aspects)]}" for at in range(number))


def continued(prompt: str) -> str | None:
    """How a row of numbers at equal steps goes on; None for any other text."""
    found = re.search(r"(?:-?\d{1,9},\s*)+-?\d{1,9},?\s*$", prompt[-200:])
    numbers = [int(text) for text in re.findall(r"-?\d+", found[0])] if found else []
    steps = {later - earlier for earlier, later in zip(numbers, numbers[1:], strict=False)}
    if len(steps) != 1:
        return None
    (step,) = steps
    further = ", ".join(str(numbers[-1] + step * at) for at in range(1, WENT_ON + 1))
    return further if prompt.endswith((" ", ",")) else f", {further}"


def quoted(asked: Asked) -> list[str]:
    """The sentences of the conversation that say most about the question; none where none is like it."""
    question, known = parted(asked)
    scored = [(likeness(question, sentence), sentence) for sentence in known]
    close = sorted((pair for pair in scored if pair[0] >= ALIKE), key=lambda pair: -pair[0])
    return [sentence for _, sentence in close[:2]]


def parted(asked: Asked) -> tuple[str, list[str]]:
    """(the question itself, the statements around it and before it)."""
    own = sentences(asked.question[-LONGEST:])
    asking = [each for each in own if each.endswith(("?", "？"))] or own[-1:] or [""]
    known = [each for each in own if each not in asking]
    for message in reversed(asked.messages[-20:]):
        if message["content"] != asked.question and message["role"] != "assistant":
            known += sentences(message["content"][:LONGEST])
    return asking[-1], [each for each in dict.fromkeys(known) if not each.endswith(("?", "？"))]


def material(question: str, end: int, start: int) -> str | None:
    """The text that a task is about: what is quoted, stands after a colon or a line, or is called the word, text ..."""
    in_quotes = QUOTED.search(question)
    if in_quotes:
        return in_quotes[1] or in_quotes[2]
    for mark in ("\n", ":", "："):
        text = question.partition(mark)[2].strip()
        if text:
            return text
    named = NAMED.search(question, end)
    if named:
        return named[1].strip(" ?.!？。！") or None
    return question[:start].strip("，, ") if HAN.search(question) and question[:start].strip("，, ") else None


def sentences(text: str) -> list[str]:
    """The sentences of a text."""
    return [part.strip() for part in SENTENCE.findall(text) if part.strip()]


def items(text: str) -> list[str]:
    """What a text lists."""
    return [part.strip() for part in re.split(r"[,，、;；\n]| and ", text.strip(" .。")) if part.strip()]


def in_order(text: str) -> str:
    """What a text lists, in ascending order."""
    found = items(text) if len(items(text)) > 1 else text.split()
    try:
        return ", ".join(sorted(found, key=float))
    except ValueError:
        return ", ".join(sorted(found, key=str.lower))


def terms(text: str) -> list[str]:
    """The words of a text that are not common, in order; a run of Chinese characters is one."""
    found: Iterator = re.finditer(r"[A-Za-z0-9][\w-]*|[\u3400-\u9fff]+", text)
    words = [piece for each in found for piece in pieces(each[0])]
    return list(dict.fromkeys(words))


def pieces(word: str) -> list[str]:
    """A word that is not common; of Chinese the runs between common characters."""
    if HAN.match(word):
        word = re.sub("介绍|一下|列出|告诉", "的", word)
        return [part for part in re.split(f"[{''.join(COMMON_HAN)}]+", word) if len(part) > 1]
    is_empty = word.lower() in COMMON or word.lower() in ASKING or (len(word) == 1 and word.isalpha())
    return [] if is_empty else [word]


COMMON_HAN = [each for each in COMMON if HAN.match(each)] + list("请什么怎样为何哪谁几多少")
ASKING = {
    "why", "where", "when", "who", "which", "tell", "explain", "describe", "write", "list", "give", "show", "make",
    "some", "any", "there", "many", "much", "say",
}  # fmt: skip


def number_in(text: str) -> int:
    """The number that digits or a word say."""
    return int(text) if text.isdecimal() else NUMBERS[text.lower()]
