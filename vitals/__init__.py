"""From a pulse wave to heart rate and quality."""
