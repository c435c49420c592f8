"""What the model servers count, and how Prometheus reads it."""

from modelarts_emulator.frame.calls import Stream
from modelarts_emulator.frame.registry import behaviour

FIRST_TOKEN = (0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
WHOLE = (0.3, 0.5, 0.8, 1.0, 1.5, 2.0, 2.5, 5.0, 10.0, 15.0, 20.0, 30.0, 40.0, 50.0, 60.0)
BETWEEN = (0.0001, 0.001, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5)
KEPT_BLOCKS = 16_384
GAUGES = {
    "num_requests_running": "Number of requests currently running on the NPU.",
    "num_requests_waiting": "Number of requests waiting to be processed.",
    "gpu_cache_usage_perc": "KV-cache usage. 1 means 100 percent usage.",
}
COUNTERS = {
    "prompt_tokens_total": "Number of prefill tokens processed.",
    "generation_tokens_total": "Number of generation tokens processed.",
    "gpu_prefix_cache_queries_total": "Prefix cache queries, in number of tokens.",
    "gpu_prefix_cache_hits_total": "Prefix cache hits, in number of tokens.",
}
HISTOGRAMS = {
    "time_to_first_token_seconds": ("Time to first token in seconds.", FIRST_TOKEN),
    "time_per_output_token_seconds": ("Time per output token in seconds.", BETWEEN),
    "e2e_request_latency_seconds": ("End to end request latency in seconds.", WHOLE),
}


class Histogram:
    """How often a value fell below each bound, how many there were and their sum."""

    def __init__(self, bounds: tuple):
        self.bounds = bounds
        self.counts = [0] * len(bounds)
        self.number = 0
        self.sum = 0.0

    def observe(self, value: float) -> None:
        """Count one value."""
        self.number += 1
        self.sum += value
        for at, bound in enumerate(self.bounds):
            self.counts[at] += value <= bound


class Counters:
    """What the server of one model has counted since the world was made or emptied."""

    def __init__(self):
        self.running = self.waiting = 0
        self.totals = dict.fromkeys(COUNTERS, 0)
        self.finished: dict[str, int] = {}
        self.histograms = {name: Histogram(bounds) for name, (_, bounds) in HISTOGRAMS.items()}


def counters_of(world, model: str) -> Counters:
    """The counters of a model's server."""
    return world.volatile.setdefault("maas/metrics/vllm", {}).setdefault(model, Counters())


@behaviour("ShowVllmMetrics")
def show_vllm_metrics(call):
    """Prometheus text with vLLM's names; each model that has been asked is a label."""
    servers = sorted(call.world.volatile.get("maas/metrics/vllm", {}).items())
    cached = len(call.world.volatile.get("maas/chat/prefix_cache", ()))
    lines = []
    for name, words in GAUGES.items():
        lines += [f"# HELP vllm:{name} {words}", f"# TYPE vllm:{name} gauge"]
        for model, counted in servers:
            value = {
                "num_requests_running": counted.running,
                "num_requests_waiting": counted.waiting,
                "gpu_cache_usage_perc": cached / KEPT_BLOCKS,
            }[name]
            lines.append(f'vllm:{name}{{model_name="{model}"}} {float(value)}')
    for name, words in COUNTERS.items():
        lines += [f"# HELP vllm:{name} {words}", f"# TYPE vllm:{name} counter"]
        lines += [f'vllm:{name}{{model_name="{model}"}} {float(c.totals[name])}' for model, c in servers]
    lines += ["# HELP vllm:request_success_total Count of successfully processed requests."]
    lines += ["# TYPE vllm:request_success_total counter"]
    for model, counted in servers:
        for reason, number in sorted(counted.finished.items()):
            labels = f'finished_reason="{reason}",model_name="{model}"'
            lines.append(f"vllm:request_success_total{{{labels}}} {float(number)}")
    for name, (words, _) in HISTOGRAMS.items():
        lines += [f"# HELP vllm:{name} {words}", f"# TYPE vllm:{name} histogram"]
        for model, counted in servers:
            lines += histogram_lines(name, model, counted.histograms[name])
    text = "\n".join(lines) + "\n"
    return Stream([text.encode()], "text/plain; version=0.0.4; charset=utf-8")


def histogram_lines(name: str, model: str, histogram: Histogram) -> list[str]:
    """The lines of one histogram."""
    label = f'model_name="{model}"'
    counted = zip(histogram.bounds, histogram.counts, strict=True)
    lines = [f'vllm:{name}_bucket{{le="{bound}",{label}}} {float(number)}' for bound, number in counted]
    lines.append(f'vllm:{name}_bucket{{le="+Inf",{label}}} {float(histogram.number)}')
    lines.append(f"vllm:{name}_count{{{label}}} {float(histogram.number)}")
    lines.append(f"vllm:{name}_sum{{{label}}} {histogram.sum}")
    return lines
