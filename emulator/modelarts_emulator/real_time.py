"""The few readings of real time that the emulator needs: no other module reads it."""

import time

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def wall_now() -> float:
    """Real time in seconds since the epoch: for the skew of signatures, never for what a record says."""
    return time.time()


def monotonic() -> float:
    """Seconds of a clock that never goes back: for the time-outs of the server."""
    return time.monotonic()


def pause(seconds: float) -> None:
    """Let real time pass: for the command line's waiting, never in a request."""
    time.sleep(seconds)


def http_date(seconds: int) -> str:
    """That moment as HTTP headers write it, such as `Mon, 23 Nov 2026 22:20:26 GMT`."""
    moment = time.gmtime(seconds)
    return f"{DAYS[moment.tm_wday]}, {moment.tm_mday:02} {MONTHS[moment.tm_mon - 1]} " + time.strftime(
        "%Y %H:%M:%S GMT", moment
    )
