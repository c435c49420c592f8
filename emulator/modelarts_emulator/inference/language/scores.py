"""Scores of generated text against references: BLEU by sacrebleu, ROUGE by rouge-score, perplexity by the model."""

from functools import cache

from modelarts_emulator.inference.language.tokenizer import TOKEN

METRICS = ("PPL", "BLEU", "ROUGE")


class WordTokenizer:
    """Words and Chinese characters, as rouge-score wants to be handed them."""

    def tokenize(self, text: str) -> list[str]:
        """The words of a text in lower case, a Chinese character being a word."""
        words = []
        for piece in TOKEN.findall(text.lower()):
            if piece[0] >= "\u3400":
                words += piece
            elif piece.strip():
                words.append(piece.strip())
        return words


@cache
def rouge_scorer():
    """The scorer of rouge-score for ROUGE-1, ROUGE-2 and ROUGE-L."""
    from rouge_score.rouge_scorer import RougeScorer

    return RougeScorer(["rouge1", "rouge2", "rougeL"], use_stemmer=False, tokenizer=WordTokenizer())


def bleu(generated: list[str], references: list[str]) -> float:
    """Corpus BLEU from 0 to 100, Chinese split into characters."""
    from sacrebleu import corpus_bleu

    return round(corpus_bleu(generated, [references], tokenize="zh").score, 4)


def rouge(generated: list[str], references: list[str]) -> dict:
    """The mean F1 of ROUGE-1, ROUGE-2 and ROUGE-L, from 0 to 100."""
    totals = {"rouge1": 0.0, "rouge2": 0.0, "rougeL": 0.0}
    for said, wanted in zip(generated, references, strict=True):
        for name, score in rouge_scorer().score(wanted, said).items():
            totals[name] += 100 * score.fmeasure
    return {name: round(total / len(generated), 4) for name, total in totals.items()}
