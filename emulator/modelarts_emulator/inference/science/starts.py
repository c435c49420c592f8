"""The moments a science task starts from, and how far it looks ahead."""

from datetime import datetime, timedelta

MOST_STARTS = 1000


def moment_of(text: str, name: str) -> datetime:
    """The moment that YYYYMMDDHH says. ValueError naming the field when there is no such hour."""
    try:
        return datetime(int(text[:4]), int(text[4:6]), int(text[6:8]), int(text[8:10]))
    except ValueError:
        raise ValueError(f"{name} is {text!r}, it must be an hour of the calendar as YYYYMMDDHH") from None


def starts_of(config: dict) -> list[datetime]:
    """The moments from begin to end, at the interval. ValueError when there are none, or far too many."""
    begin = moment_of(config["start_time_begin"], "start_time_begin")
    end = moment_of(config["start_time_end"], "start_time_end")
    if end < begin:
        raise ValueError(
            f"start_time_end {config['start_time_end']} lies before start_time_begin {config['start_time_begin']}"
        )
    if begin.year < 1900 or end.year > 2200:
        raise ValueError("start_time_begin and start_time_end must lie between 1900 and 2200")
    interval = timedelta(hours=config["start_time_interval_hours"])
    number = (end - begin) // interval + 1
    if number > MOST_STARTS:
        raise ValueError(f"start_time_begin to start_time_end are {number} starts, at most {MOST_STARTS}")
    return [begin + at * interval for at in range(number)]


def lead_numbers(config: dict, model) -> int:
    """How many steps a forecast has."""
    return config["forecast_lead_hours"] // model.step_hours
