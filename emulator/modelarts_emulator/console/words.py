"""The words of the console in Chinese, by the English ones, and which language a browser gets."""

from flask import request

LANGUAGES = ("en", "zh")
CHINESE = {
    "Console of the emulator": "模拟器控制台",
    "Skip to the content": "跳到正文",
    "Pages": "页面",
    "World": "世界",
    "Change": "切换",
    "Language": "语言",
    "Refused": "请求被拒绝",
    "Status": "状态",
    "Back": "返回",
    "Name": "名称",
    "Time": "时间",
    "Id": "标识",
    "Kind": "类型",
    "Number": "数量",
    "Overview": "总览",
    "Virtual time": "虚拟时间",
    "The clock stands still.": "时钟已冻结。",
    "virtual seconds in a real one": "虚拟秒/真实秒",
    "Speed": "速度",
    "Freeze": "冻结",
    "Run": "运行",
    "Advance": "快进",
    "Advance by": "快进时长",
    "What lives": "现有资源",
    "Nothing lives in this world yet.": "这个世界里还没有资源。",
    "What falls due next": "即将到期",
    "Nothing is waiting for its time.": "没有等待到期的资源。",
    "in": "剩余",
}


def language_asked() -> str:
    """The language named by the query, else by the cookie, else the one that the browser prefers."""
    for named in (request.args.get("lang"), request.cookies.get("lang")):
        if named in LANGUAGES:
            return named
    return request.accept_languages.best_match(LANGUAGES) or LANGUAGES[0]


def translated(text: str, language: str) -> str:
    """The text in that language; as it is where it has no other words."""
    return CHINESE.get(text, text) if language == "zh" else text
