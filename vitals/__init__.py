"""From a pulse wave to heart rate and quality, and from many waves to metrics."""

from pulsephase.vitals.metrics import Metrics, metrics

__all__ = ["Metrics", "metrics"]
