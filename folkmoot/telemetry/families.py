"""Families of metrics, made of what the parts of a process count in plain attributes."""

from collections.abc import Iterable, Mapping
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from folkmoot.telemetry.spread import Spread

Samples = Mapping[Any, float]  # by the values of the labels


def counter(name: str, about: str, samples: Samples | float, labels: tuple[str, ...] = ()) -> Metric:
    return _filled(CounterMetricFamily(f"folkmoot_{name}", about, labels=labels), samples)


def gauge(name: str, about: str, samples: Samples | float, labels: tuple[str, ...] = ()) -> Metric:
    return _filled(GaugeMetricFamily(f"folkmoot_{name}", about, labels=labels), samples)


def _filled(family: CounterMetricFamily | GaugeMetricFamily, samples: Samples | float) -> Metric:
    for labels, value in (samples if isinstance(samples, Mapping) else {(): samples}).items():
        family.add_metric(labels, value)
    return family


def spread(name: str, about: str, spreads: Mapping[Any, Spread], labels: Iterable[str] = ()) -> Metric:
    family = HistogramMetricFamily(f"folkmoot_{name}", about, labels=tuple(labels))
    for values, spread in spreads.items():
        family.add_metric(values, spread.buckets(), spread.total)
    return family


def singly(counts: Mapping[str, int], *expected: str) -> dict[tuple[str, ...], float]:
    """Those that are expected are there from the start: from nothing to one is no rate."""
    return {(name,): count for name, count in (dict.fromkeys(expected, 0) | dict(counts)).items()}
