"""Rate limits as windows that slide over a clock which the caller reads."""

from collections import deque


class Window:
    """What happened within the last so many seconds, added up."""

    def __init__(self, seconds: float):
        self.seconds = seconds
        self.total = 0
        self._events: deque = deque()

    def add(self, now: float, amount: int = 1) -> None:
        """Count that much as of now."""
        if self._events and self._events[-1][0] == now:
            self._events[-1][1] += amount
        else:
            self._events.append([now, amount])
        self.total += amount

    def sum(self, now: float) -> int:
        """The sum of what was counted within the window that ends now."""
        while self._events and self._events[0][0] <= now - self.seconds:
            self.total -= self._events.popleft()[1]
        return self.total

    def wait(self, now: float) -> float:
        """Seconds until the oldest event leaves the window; 0 when it is empty."""
        self.sum(now)
        return max(0.0, self._events[0][0] + self.seconds - now) if self._events else 0.0


class RateLimiter:
    """Requests and tokens of one model within a minute, and requests within a second.

    admit() says which limit stands in the way, "qps", "rpm" or "tpm", or counts the request and says None. Tokens are
    counted when they have been used: a request that starts below the limit runs to its end.
    """

    def __init__(self):
        self.second, self.minute, self.tokens = Window(1), Window(60), Window(60)

    def admit(self, now: float, rpm: int | None, tpm: int | None, qps: float | None = None) -> str | None:
        """Count a request unless a limit is reached; the name of that limit."""
        if qps is not None and self.second.sum(now) >= qps:
            return "qps"
        if rpm is not None and self.minute.sum(now) >= rpm:
            return "rpm"
        if tpm is not None and self.tokens.sum(now) >= tpm:
            return "tpm"
        self.second.add(now)
        self.second.sum(now)
        self.minute.add(now)
        self.minute.sum(now)
        return None

    def use(self, now: float, amount: int) -> None:
        """Count tokens that were used."""
        self.tokens.add(now, amount)
        self.tokens.sum(now)

    def wait(self, now: float, limit: str) -> float:
        """Seconds until the limit lets somebody through again."""
        return {"qps": self.second, "rpm": self.minute, "tpm": self.tokens}[limit].wait(now)
