"""Which tool a question calls for, and the arguments that its schema wants."""

import json
import random
import re

from modelarts_emulator.inference.language.asked import Asked
from modelarts_emulator.inference.language.json_values import fitting
from modelarts_emulator.inference.language.patterns import GuideImpossible
from modelarts_emulator.inference.language.sharing import likeness

NAME_PARTS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|[0-9]+|[\u3400-\u9fff]")
CALLED_FOR = 0.06
GLOSSARY = {
    "天气": "weather", "气温": "temperature", "时间": "time", "日期": "date", "搜索": "search", "查询": "query get",
    "计算": "calculate", "翻译": "translate", "邮件": "email mail", "股票": "stock", "价格": "price", "预订": "book",
    "城市": "city", "地图": "map", "新闻": "news", "文件": "file", "图片": "image",
    "订单": "order", "数据库": "database",
}  # fmt: skip


def chosen_call(asked: Asked, source: random.Random) -> dict | None:
    """The tool call an answer consists of; None when it is text.

    A named function, or `required`, always calls. With `auto` the tool is called whose name and description are like
    the question, and none once a tool has answered.
    """
    functions = [tool["function"] for tool in asked.tools if isinstance(tool.get("function"), dict)]
    functions = [function for function in functions if isinstance(function.get("name"), str)]
    choice = asked.tool_choice
    if not functions or choice == "none":
        return None
    if isinstance(choice, dict):
        named = choice.get("function", {}).get("name") if isinstance(choice.get("function"), dict) else None
        functions = [function for function in functions if function["name"] == named] or functions
        return call_of(functions[0], asked, source)
    if choice == "auto" and asked.messages and asked.messages[-1]["role"] == "tool":
        return None
    question = translated(asked.question)
    scored = [(likeness(question, described(function)), function) for function in functions]
    score, function = max(scored, key=lambda pair: pair[0])
    if choice == "auto" and score < CALLED_FOR:
        return None
    return call_of(function, asked, source)


def translated(question: str) -> str:
    """The question, followed by the English of what it names in Chinese: functions are mostly named in English."""
    return " ".join([question, *(english for chinese, english in GLOSSARY.items() if chinese in question)])


def described(function: dict) -> str:
    """The words of a function's name, description and parameters."""
    parameters = function.get("parameters")
    members = parameters.get("properties", {}) if isinstance(parameters, dict) else {}
    words = [" ".join(NAME_PARTS.findall(function["name"])), str(function.get("description", ""))]
    for name, member in members.items() if isinstance(members, dict) else ():
        words.append(name)
        words.append(str(member.get("description", "")) if isinstance(member, dict) else "")
    return " ".join(words)


def call_of(function: dict, asked: Asked, source: random.Random) -> dict:
    """A call of the function with arguments that fit its parameters, taken from the question where that has them."""
    schema = function.get("parameters")
    try:
        arguments = fitting(schema if isinstance(schema, dict) else {}, source, asked.question)
    except GuideImpossible:
        arguments = {}
    if not isinstance(arguments, dict):
        arguments = {}
    return {
        "id": f"chatcmpl-tool-{source.getrandbits(128):032x}",
        "type": "function",
        "function": {"name": function["name"], "arguments": json.dumps(arguments, ensure_ascii=False)},
    }
