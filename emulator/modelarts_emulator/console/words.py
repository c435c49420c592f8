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
    "Pages of the list": "列表分页",
    "Newer": "较新",
    "Older": "较早",
    "Training jobs": "训练作业",
    "Training job": "训练作业",
    "There is no training job.": "没有训练作业。",
    "Phase": "阶段",
    "Created": "创建时间",
    "Duration": "时长",
    "Search": "搜索",
    "Trials": "试验",
    "Trials of the search": "搜索的试验",
    "Resource": "资源",
    "Output": "输出",
    "Stages": "进度",
    "Stop the job": "停止作业",
    "Stop": "停止",
    "Log": "日志",
    "Events": "事件",
    "Level": "级别",
    "Message": "消息",
    "Search of": "搜索作业",
    "Reward": "奖励",
    "Best trial": "最佳试验",
    "What the parameters matter": "参数重要性",
    "Parameters": "参数",
    "Iteration": "迭代",
    "Best reward": "最佳奖励",
    "Early stop": "提前停止",
    "Learning curves": "学习曲线",
    "Best so far": "当前最佳",
    "Parameters and reward": "参数与奖励",
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
