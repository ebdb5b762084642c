"""From a pulse wave to heart rate and quality; from many waves to metrics under a named protocol."""

from pulsephase.vitals.protocols import Metrics, metrics

__all__ = ["Metrics", "metrics"]
