"""From a video to heart rate: measurement, observation of waves, the demo."""
