"""The heart rate of a wave that is still coming in: one sample at a time, a rate each second.

What :func:`pulsephase.vitals.heart_rate.heart_rate` says of the last window, no more and no less.
"""

import math
from collections import deque

import numpy as np
from jaxtyping import Float

from pulsephase.checks import FURTHEST_S, LARGEST, check_duration, check_rate
from pulsephase.errors import ParameterError, SamplingError
from pulsephase.vitals.heart_rate import WINDOW_S, HeartRate, heart_rate
from pulsephase.vitals.result import MIN_QUALITY
from pulsephase.vitals.windows import LONGEST_GAP_S, SHORTEST_S

REFRESH_S = 1.0


class OnlineHeartRate:
    """Keep the last window of a wave, and read its rate each second.

    The rate is the mean of a window that ends now: on a rate that changes evenly it is late by half
    a window (``latency_s``), beside what the method that made the wave is late itself.

    Args:
        sample_hz: Rate at which the window is looked at; samples with times of their own are
            interpolated to it.
        method: Where the wave comes from, for the calibration of its quality.
        window_s: Length of the window, at least 5 s.
        refresh_s: From one rate to the next.
        min_quality: As in :func:`pulsephase.vitals.heart_rate.heart_rate`.

    Raises:
        ParameterError: If a duration is not positive, or the window is too short.
        SamplingError: If the rate is not positive.

    Example:
        >>> online = OnlineHeartRate(sample_hz=30.0)
        >>> for index in range(400):
        ...     _ = online.push(math.sin(2 * math.pi * 1.2 * index / 30))
        >>> round(online.latest.bpm, 1)
        72.0
    """

    def __init__(
        self,
        *,
        sample_hz: float,
        method: str | None = None,
        window_s: float = WINDOW_S,
        refresh_s: float = REFRESH_S,
        min_quality: float = MIN_QUALITY,
    ) -> None:
        check_rate("sample_hz", sample_hz)
        check_duration("window_s", window_s, at_least=SHORTEST_S)
        check_duration("refresh_s", refresh_s, at_least=1 / sample_hz)
        self.sample_hz, self.method, self.min_quality = sample_hz, method, min_quality
        self.window_s, self.refresh_s = window_s, refresh_s
        self.latest = HeartRate.none("no sample yet")
        self._length = round(window_s * sample_hz)
        self._samples: deque[tuple[float, float]] = deque()
        self._due_s = -math.inf

    @property
    def latency_s(self) -> float:
        """Seconds by which the rate is late on a rate that changes evenly."""
        return self.window_s / 2

    def push(self, sample: float, time_s: float | None = None) -> HeartRate | None:
        """Read one sample; NaN where there is no pulse.

        Args:
            sample: Of the wave.
            time_s: When; none means one step after the sample before.

        Returns:
            A new rate where one is due, else none; ``latest`` is the last one.

        Raises:
            ParameterError: If the sample is infinite.
            SamplingError: If the time does not come after that of the sample before.

        After an error everything is as before.
        """
        last = self._samples[-1][0] if self._samples else None
        if time_s is None:
            time_s = 0.0 if last is None else last + 1 / self.sample_hz
        if abs(sample) > LARGEST:
            raise ParameterError(f"a sample is {sample}, infinite; NaN says that there is no pulse")
        if not abs(time_s) < FURTHEST_S or (last is not None and time_s <= last):
            raise SamplingError(
                f"sample at {time_s} s does not come after the one at {last} s, or is over "
                f"{FURTHEST_S:g} s away"
            )
        self._samples.append((time_s, sample))
        reach = time_s - (self._length + 1) / self.sample_hz - LONGEST_GAP_S
        while self._samples[0][0] < reach:
            self._samples.popleft()
        if last is None:
            self._due_s = time_s + SHORTEST_S - 1 / self.sample_hz
        if time_s < self._due_s - 0.5 / self.sample_hz:
            return None
        self._due_s += self.refresh_s * math.ceil((time_s - self._due_s) / self.refresh_s + 0.5)
        self.latest = heart_rate(
            self.window(),
            sample_hz=self.sample_hz,
            window_s=self.window_s,
            method=self.method,
            min_quality=self.min_quality,
        )
        return self.latest

    def window(self) -> Float[np.ndarray, " time"]:
        """Return the last window on an even grid that ends at the last sample, NaN in gaps."""
        times, values = (np.array(column) for column in zip(*self._samples, strict=True))
        count = min(self._length, round((times[-1] - times[0]) * self.sample_hz) + 1)
        grid = times[-1] - np.arange(count - 1, -1, -1) / self.sample_hz
        after = np.searchsorted(times, grid - 1e-9 / self.sample_hz).clip(0, len(times) - 1)
        before = np.where(np.abs(times[after] - grid) * self.sample_hz < 1e-6, after, after - 1)
        before = before.clip(0)
        width = times[after] - times[before]
        share = np.where(width > 0, (grid - times[before]) / np.where(width > 0, width, 1), 0.0)
        wave = values[before] + share * (values[after] - values[before])
        gap = max(LONGEST_GAP_S, 1.5 / self.sample_hz)
        return np.asarray(np.where(width > gap, np.nan, wave), dtype=np.float64)
