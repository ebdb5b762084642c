"""What may vary in a synthetic clip: one frozen record of ranges a layer, composed in one config.

A range is ``(low, high)``; those marked *log* are drawn log-uniformly. What may be asked for at all
stands in :data:`pulsephase.synthetic.limits.LIMITS`.
"""

from dataclasses import dataclass, field, fields

from pulsephase.errors import ParameterError, SamplingError
from pulsephase.synthetic.limits import Range, check_extent, check_ranges

MOST_ECTOPIC = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class PulseRanges:
    """The heart and the vessel.

    Attributes:
        heart_rate_bpm: Mean rate (log).
        respiratory_depth: Relative modulation of the rate by breathing (sinus arrhythmia).
        mayer_depth: Relative modulation of the rate at 0.1 Hz.
        drift: Largest relative change of the rate in 10 s.
        jitter: Relative beat-to-beat jitter.
        natural_hz: Natural frequency of the oscillator; scaled by the root of the heart rate over
            72 bpm when ``follows_heart`` (a waveform convenience, not physics).
        damping: Damping ratio.
        follows_heart: Whether the natural frequency follows the heart rate.
        reflection: Weight of the reflected wave.
        reflection_delay_s: Its delay.
        breathing_hz: Breathing rate.
        amplitude: Standard deviation of the relative change of linear green light (log).
        warm_up_s: Beats begin this long before the clip, to outlast the oscillator's memory.
        forcing: ``impulses`` at the beats; or half sines of ejection, sampled at 60 Hz and held:
            ``zero`` (constant between samples) or ``first`` (lines between them).
        ectopic_probability: Share of beats that come early and weakly, at most one half: never two
            in a row.
    """

    heart_rate_bpm: Range = (42.0, 170.0)
    respiratory_depth: Range = (0.0, 0.06)
    mayer_depth: Range = (0.0, 0.04)
    drift: float = 0.08
    jitter: float = 0.005
    natural_hz: Range = (1.2, 2.6)
    damping: Range = (0.25, 0.7)
    follows_heart: bool = True
    reflection: Range = (0.0, 0.5)
    reflection_delay_s: Range = (0.20, 0.38)
    breathing_hz: Range = (0.15, 0.40)
    amplitude: Range = (6e-4, 1.2e-2)
    warm_up_s: float = 6.0
    forcing: str = "impulses"
    ectopic_probability: float = 0.0

    def __post_init__(self) -> None:
        check_ranges(self)
        varied = self.variation
        if not varied < 1:
            raise ParameterError(
                f"respiratory_depth, mayer_depth and drift vary the rate by up to {varied:g} of "
                "itself; below 1 in all, or the heart stands still"
            )
        beats = self.heart_rate_bpm[0] / 60 * (1 - varied) * self.warm_up_s
        if not beats >= 1:
            raise ParameterError(
                f"warm_up_s is {self.warm_up_s:g}, in which the slowest heart beats {beats:.2g} "
                "times; give time for one beat at least"
            )
        if self.forcing not in ("impulses", "zero", "first"):
            raise ParameterError(
                f"PulseRanges.forcing is {self.forcing!r}; there are impulses, zero and first"
            )
        if self.ectopic_probability > MOST_ECTOPIC:
            raise ParameterError(
                f"PulseRanges.ectopic_probability is {self.ectopic_probability:g}; at most "
                f"{MOST_ECTOPIC:g}, as no two beats in a row come early"
            )

    @property
    def variation(self) -> float:
        """How far the rate may be from its mean, at most, as a share of it."""
        return self.respiratory_depth[1] + self.mayer_depth[1] + self.drift


@dataclass(frozen=True, slots=True, kw_only=True)
class SkinRanges:
    """Colour of the skin, and the direction of the pulse in it.

    Attributes:
        melanin: Volume fraction in the epidermis (log).
        blood: Volume fraction in the dermis (log).
        oxygenation: Oxygen saturation.
        direction_spread: Lognormal spread of the pulse's red and blue against green.
    """

    melanin: Range = (0.01, 0.35)
    blood: Range = (0.004, 0.05)
    oxygenation: Range = (0.75, 0.98)
    direction_spread: float = 0.2

    def __post_init__(self) -> None:
        check_ranges(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceRanges:
    """The head and its maps.

    Attributes:
        fill: Size of the head in the crop.
        delay_s: Size of the map of the pulse's transit time. The map is about zero: relative to the
            label, a pixel comes early or late by about as much at most.
        perfusion_spread: Extra amplitude of cheeks and forehead, at most.
        beard_probability: Share of faces with a beard.
        glasses_probability: Share of faces with glasses.
        strand_probability: Share of faces with a strand of hair across.
    """

    fill: Range = (0.62, 0.95)
    delay_s: Range = (0.0, 0.04)
    perfusion_spread: float = 1.0
    beard_probability: float = 0.2
    glasses_probability: float = 0.0
    strand_probability: float = 0.0

    def __post_init__(self) -> None:
        check_ranges(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class MotionRanges:
    """How the head moves.

    Attributes:
        scale: Overall amount (log).
        yaw_rest_rad: Rest pose, left to right.
        pitch_rest_rad: Rest pose, up and down.
        rhythmic_probability: Share of clips with a periodic motion at heart-rate frequencies.
        rhythmic_hz: Its frequency.
        drift_probability: Share of clips with strong slow sway of the head (0.1 to 0.7 Hz); what
            is behind it stays. A camera that moves is ``CameraRanges.shake_px``.
        bob_probability: Share of clips with a ballistic bob at the beats.
        talking_probability: Share of clips in which the mouth moves.
    """

    scale: Range = (0.02, 1.0)
    yaw_rest_rad: Range = (-0.4, 0.4)
    pitch_rest_rad: Range = (-0.25, 0.25)
    rhythmic_probability: float = 0.35
    rhythmic_hz: Range = (0.6, 3.2)
    drift_probability: float = 0.15
    bob_probability: float = 0.2
    talking_probability: float = 0.4

    def __post_init__(self) -> None:
        check_ranges(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class LightRanges:
    """Two lamps and the ambient light.

    Attributes:
        temperature_k: Colour temperature.
        drift: Relative standard deviation of slow changes (log).
        flicker_probability: Share of clips with a coloured flicker at heart-rate frequencies.
        flicker_hz: Its frequency.
        flicker: Its relative depth (log).
        flicker_tint: Excess of that depth in green; half as much is missing in red and blue. Below
            0 the flicker is magenta. The axis on which blood colours skin: what methods for light
            that is white, or warm and cold, take for a pulse.
        screen_probability: Share of clips in which the second lamp is a screen, whose colours
            change one by one, at heart-rate frequencies too.
        screen: Relative standard deviation of each of its colours (log).
        gloss: Strength of the specular lobe.
    """

    temperature_k: Range = (2600.0, 7500.0)
    drift: Range = (0.001, 0.08)
    flicker_probability: float = 0.35
    flicker_hz: Range = (0.6, 6.0)
    flicker: Range = (0.002, 0.03)
    flicker_tint: Range = (0.0, 0.0)
    screen_probability: float = 0.3
    screen: Range = (0.005, 0.08)
    gloss: Range = (0.0, 0.25)

    def __post_init__(self) -> None:
        check_ranges(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class BackgroundRanges:
    """What is behind the head.

    Attributes:
        skin_probability: Share of clips whose background has the colour of skin, without a pulse.
        brightness: Against the mean of the texture.
        mover_probability: Share of clips in which something moves behind the head, of the colour
            of skin as often as backgrounds are.
    """

    skin_probability: float = 0.3
    brightness: Range = (0.2, 1.4)
    mover_probability: float = 0.0

    def __post_init__(self) -> None:
        check_ranges(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraRanges:
    """From light to numbers.

    Attributes:
        exposure: Linear green at the start, half weighted on the face.
        white_balance_drift: Relative standard deviation of each channel's gain, at most.
        crosstalk: Strength of the colour matrix.
        noise: Standard deviation at unit level and output size, fraction of full scale (log);
            half shot, half read.
        gamma: Exponent of the transfer curve's inverse.
        unquantised_probability: Share of clips without the 8-bit grid, as a crop averaged from a
            larger face gives.
        repeat_probability: Share of clips in which some frames are repeated.
        fixed_gain: Gain of the light, or 0 where the camera meters the first frame.
        time_jitter: Largest displacement of a frame's time from the even grid, as a share of the
            interval, below 0.5. Everything that moves is rendered, and labelled, at the true times.
        exposure_drift: Relative standard deviation of a gain that all channels share, slowly
            changing (0.05 to 0.5 Hz), at most.
        drop_probability: Share of clips in which frames are missing, each that is due with a
            probability of 0.5 to 5 %: times have gaps. A clip keeps its number of frames and lasts
            longer, so that later beats, and what is drawn after them, are others.
        shake_px: Standard deviation of the shift of the whole frame, right and down, in pixels of
            the frame, as a hand-held camera gives (0.3 to 6 Hz, an assumption).
    """

    exposure: Range = (0.21, 0.45)
    white_balance_drift: float = 0.004
    crosstalk: Range = (0.0, 0.6)
    noise: Range = (0.0005, 0.012)
    gamma: Range = (1.6, 2.4)
    unquantised_probability: float = 0.5
    repeat_probability: float = 0.1
    fixed_gain: float = 0.0
    time_jitter: float = 0.0
    exposure_drift: float = 0.0
    drop_probability: float = 0.0
    shake_px: Range = (0.0, 0.0)

    def __post_init__(self) -> None:
        check_ranges(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class CodecRanges:
    """A cheap stand-in for video compression: differential coding of 4 x 4 block means.

    Attributes:
        probability: Share of clips that pass it.
        step: Quantiser step in 8-bit levels.
    """

    probability: float = 0.5
    step: Range = (0.25, 2.0)

    def __post_init__(self) -> None:
        check_ranges(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class SynthConfig:
    """All of a synthetic clip.

    Attributes:
        size: Height and width of the crop in pixels; a multiple of 4, at most 4096.
        frames: Frames of the clip, at most a million and an hour.
        sample_hz: Frame rate in Hz.
        no_pulse_probability: Share of clips without a pulse.
        pulse: And one record for each further layer.
    """

    size: int = 36
    frames: int = 300
    sample_hz: float = 30.0
    no_pulse_probability: float = 0.0
    pulse: PulseRanges = field(default_factory=PulseRanges)
    skin: SkinRanges = field(default_factory=SkinRanges)
    face: FaceRanges = field(default_factory=FaceRanges)
    motion: MotionRanges = field(default_factory=MotionRanges)
    light: LightRanges = field(default_factory=LightRanges)
    background: BackgroundRanges = field(default_factory=BackgroundRanges)
    camera: CameraRanges = field(default_factory=CameraRanges)
    codec: CodecRanges = field(default_factory=CodecRanges)

    def __post_init__(self) -> None:
        check_ranges(self)
        check_extent(size=self.size, frames=self.frames, sample_hz=self.sample_hz)
        for entry in fields(self):
            layer, value = entry.default_factory, getattr(self, entry.name)
            if isinstance(layer, type) and not isinstance(value, layer):
                raise ParameterError(f"{entry.name} is {value!r}; give a {layer.__name__}")
        fastest_bpm = self.pulse.heart_rate_bpm[1] * (1 + self.pulse.variation)
        if fastest_bpm / 60 >= self.sample_hz / 2:
            raise SamplingError(
                f"heart_rate_bpm is {self.pulse.heart_rate_bpm} at {self.sample_hz:g} Hz, and the "
                f"rate reaches {fastest_bpm:g} as it varies; rates lie below Nyquist, "
                f"{30 * self.sample_hz:g} bpm"
            )
