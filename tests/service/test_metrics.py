import re

from bert_finetune_kit.service.metrics import Histogram, Metrics


def test_a_histogram_counts_up_to_each_bound():
    histogram = Histogram((1, 2, 4))
    for value in (0.5, 1, 2, 3, 9):
        histogram.observe(value)
    assert list(histogram.lines("size")) == [
        'size_bucket{le="1"} 2', 'size_bucket{le="2"} 3', 'size_bucket{le="4"} 4', 'size_bucket{le="+Inf"} 5',
        "size_sum 15.5", "size_count 5",
    ]  # fmt: skip


def test_metrics_as_prometheus_reads_them():
    metrics = Metrics()
    for status in (200, 200, 422):
        metrics.observe_request("/predict", status, 0.02)
    metrics.batches.observe(3)
    text = metrics.render(waiting=7)
    for line in (
        'bert_finetune_kit_requests_total{route="/predict",status="200"} 2',
        'bert_finetune_kit_requests_total{route="/predict",status="422"} 1',
        'bert_finetune_kit_request_seconds_bucket{route="/predict",le="0.025"} 3',
        'bert_finetune_kit_request_seconds_count{route="/predict"} 3',
        'bert_finetune_kit_batch_size_bucket{le="4"} 1',
        "bert_finetune_kit_waiting_requests 7",
    ):
        assert line in text.splitlines()
    assert text.endswith("\n")
    # https://prometheus.io/docs/instrumenting/exposition_formats: comments, and samples of a name, labels and a number
    sample = re.compile(r'[a-z_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? [\d.]+')
    assert all(line.startswith("# ") or sample.fullmatch(line) for line in text.splitlines())
    types = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE))
    assert sorted(types.values()) == ["counter", "gauge", "histogram", "histogram"]
