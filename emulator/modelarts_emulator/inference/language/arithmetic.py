"""Arithmetic that a text asks for in digits and words, calculated exactly."""

import ast
import re
from math import isqrt

# Bounded, and never from the middle of a number: what is typed must not keep a search busy.
OPERAND = r"(?<![\d.,])(-?\d[\d,]{0,20}(?:\.\d{1,15})?)"
GAP = r"\s{0,3}"
# How words say what an expression says; each becomes digits and signs.
WORDED = [
    (rf"{OPERAND}{GAP}(?:%|percent) of {OPERAND}", r"(\1 / 100 * \2)"),
    (rf"{OPERAND}{GAP}的{GAP}{OPERAND}{GAP}%", r"(\1 * \2 / 100)"),
    (rf"square root of {OPERAND}", r"root(\1)"),
    (rf"{OPERAND}{GAP}的平方根", r"root(\1)"),
    (rf"{OPERAND}{GAP}(?:squared|的平方)", r"(\1 ** 2)"),
    (rf"{OPERAND}{GAP}的?{GAP}{OPERAND}{GAP}次方", r"(\1 ** \2)"),
    (rf"(?<=\d){GAP}(?:to the power of|\^){GAP}(?=-?\d)", " ** "),
    (rf"(?<=[\d)]){GAP}(?:plus|加上?){GAP}(?=[-\d(])", " + "),
    (rf"(?<=[\d)]){GAP}(?:minus|减去?){GAP}(?=[-\d(])", " - "),
    (rf"(?<=[\d)]){GAP}(?:times|multiplied by|乘以?|×|x){GAP}(?=[-\d(])", " * "),
    (rf"(?<=[\d)]){GAP}(?:divided by|除以|÷){GAP}(?=[-\d(])", " / "),
]
LISTED = re.compile(
    r"(?:sum|total|average|mean|maximum|largest|minimum|smallest)\b.{0,20}?(?:of|:)\s*"
    r"(?P<numbers>-?\d[\d.]{0,20}(?:\s{0,3}(?:,|and|，|、|和){1,2}\s{0,3}-?\d[\d.]{0,20})+)",
    re.IGNORECASE,
)
EXPRESSION = re.compile(r"(?:root\()?[-(]{0,9}\d[\d\s.,()+*/root-]{0,200}[\d)]")
CUES = re.compile(
    r"calculate|comput|evaluate|what(?:'s| is| are)|how much|solve|result|=|计算|算|等于|是多少|得多少|几",
    re.IGNORECASE,
)
DATE = re.compile(r"\d{4}-\d{1,2}-\d{1,2}|\d{1,2}/\d{1,2}/\d{2,4}")
BIGGEST = 10**30
OPERATIONS = {
    ast.Add: lambda left, right: left + right,
    ast.Sub: lambda left, right: left - right,
    ast.Mult: lambda left, right: left * right,
    ast.Div: lambda left, right: quotient(left, right),
    ast.Pow: lambda left, right: power(left, right),
}


def calculated(question: str) -> tuple[str, str] | None:
    """(expression, value) of what a question wants calculated; None when it wants nothing calculated."""
    listed = LISTED.search(question)
    if listed:
        return over_list(listed[0], listed["numbers"])
    text = question
    for worded, signs in WORDED:
        text = re.sub(worded, signs, text, flags=re.IGNORECASE)
    for found in EXPRESSION.finditer(text):
        expression = found[0].strip()
        if DATE.search(expression) or not (CUES.search(question) or found[0].strip() == text.strip(" ?？.")):
            continue
        value = value_of(expression)
        if value is not None:
            if expression[0] == "(" and ")" not in expression[:-1]:
                expression = expression[1:-1]
            return expression.replace("**", "^").replace("root", "√"), written(value)
    return None


def over_list(said: str, numbers: str) -> tuple[str, str]:
    """(what is taken of the numbers, its value)."""
    values = [float(text.rstrip(".")) for text in re.findall(r"-?\d+(?:\.\d+)?", numbers)]
    kind = said.split(maxsplit=1)[0].lower()
    if kind in ("maximum", "largest", "minimum", "smallest"):
        value = max(values) if kind in ("maximum", "largest") else min(values)
    else:
        value = sum(values) / (len(values) if kind in ("average", "mean") else 1)
    return f"{kind} of {numbers.strip()}", written(value)


def value_of(expression: str):
    """The value of an expression; None when it is none, is a number by itself or becomes too large."""
    plain = re.sub(r"(?<=\d),(?=\d{3}\b)", "", expression)
    try:
        tree = ast.parse(plain, mode="eval").body
        return None if isinstance(tree, ast.Constant | ast.UnaryOp) else evaluated(tree)
    except (SyntaxError, ValueError, ArithmeticError, RecursionError, TypeError):
        return None


def evaluated(tree):
    """The value of a parsed expression. ValueError for anything but arithmetic, and for values out of reach."""
    if isinstance(tree, ast.Constant) and isinstance(tree.value, int | float):
        value = tree.value
    elif isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.USub):
        value = -evaluated(tree.operand)
    elif isinstance(tree, ast.BinOp) and type(tree.op) in OPERATIONS:
        value = OPERATIONS[type(tree.op)](evaluated(tree.left), evaluated(tree.right))
    elif isinstance(tree, ast.Call) and getattr(tree.func, "id", "") == "root" and len(tree.args) == 1:
        value = root(evaluated(tree.args[0]))
    else:
        raise ValueError("no arithmetic")
    if abs(value) > BIGGEST:
        raise ValueError("too large")
    return value


def quotient(left, right):
    """The quotient, whole where it can be."""
    is_whole = isinstance(left, int) and isinstance(right, int) and right and left % right == 0
    return left // right if is_whole else left / right


def power(base, exponent):
    """The power. ValueError for one that would be too large to write down."""
    if abs(exponent) > 100 or abs(base) > 10**6:
        raise ValueError("too large")
    return base**exponent


def root(value):
    """The square root, whole where it is."""
    return isqrt(value) if isinstance(value, int) and isqrt(value) ** 2 == value else value**0.5


def written(value) -> str:
    """A number as one writes it: whole numbers without a point, others with ten digits."""
    if isinstance(value, complex):
        raise ValueError("not a real number")
    return (
        str(int(value))
        if (value == int(value) and abs(value) < 1e15) or isinstance(value, int)
        else f"{value:.10g}"
    )
