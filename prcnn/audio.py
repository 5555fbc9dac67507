"""A file becomes a mono waveform, or an error that names the file.

soundfile decodes (its wheel brings libsndfile with MP3: no ffmpeg) and soxr resamples, at the
quality librosa uses by default, so that a waveform equals ``librosa.load``'s.
"""

import math
from pathlib import Path

import numpy as np
import soundfile
import soxr

# What is read on either side of a stretch for the resampler's filter. 0.1 s is some ten times the
# length of soxr's, so the samples kept are those of a resampled whole file.
_MARGIN = 0.1


class AudioError(ValueError):
    """A clip that cannot be used: missing, broken, too short, silent. The message names it."""


def load(path, sr=22050, duration=None, offset=0.0):
    """Decode a stretch of a sound file, average its channels and resample it.

    Reads no more of the file than the stretch and a tenth of a second on either side. Equal to
    the same stretch of ``librosa.load(path, sr=sr)``.

    Parameters
    ----------
    path : str or os.PathLike
        Any format libsndfile reads: MP3, WAV, FLAC, OGG, AIFF, AU.
    sr : int
        Sampling rate of the result, in Hz.
    duration : float, optional
        Seconds to read, at most; to the end of the file where not given.
    offset : float
        Seconds to skip at the start.

    Returns
    -------
    y : numpy.ndarray [shape=(n,), dtype=float32]
        Mono waveform, full scale at ±1. Shorter than `duration` where the file is.

    Raises
    ------
    AudioError
        Where the file is missing, does not decode, holds no samples in the stretch, or holds
        samples that are not finite numbers.

    Chapter: book/log_mel.ipynb
    """
    path = Path(path)
    if not path.is_file():
        raise AudioError(f"{path}: no such file.")
    try:
        with soundfile.SoundFile(path) as file:
            native = file.samplerate
            # Start where a sample of the file and one of the result fall together.
            step = native // math.gcd(native, sr)
            first = max(0, int((offset - _MARGIN) * native)) // step * step
            if first >= file.frames:
                raise AudioError(f"{path}: ends before second {offset:g}.")
            if first:  # seeking in an MP3 costs, even to where one is
                file.seek(first)
            frames = -1
            if duration is not None:
                frames = math.ceil((offset + duration + _MARGIN) * native) - first
            y = file.read(frames, dtype="float32", always_2d=True)
    except (soundfile.SoundFileError, OSError) as error:
        raise AudioError(f"{path}: does not decode ({error}). Is it a sound file?") from error
    y = resample(_mix(y.T), native, sr)
    start = round(offset * sr) - first * sr // native
    stop = None if duration is None else start + round(duration * sr)
    return check(y[start:stop], path)


def mono(waveform, name="The waveform"):
    """Average the channels of a waveform.

    Parameters
    ----------
    waveform : array_like [shape=(n,), (channels, n) or (n, channels)]
        Floating-point samples; of two axes the shorter one is the channels.
    name : str
        What an error calls it.

    Returns
    -------
    numpy.ndarray [shape=(n,), dtype=float32]

    Raises
    ------
    AudioError
        Where the samples are integers (their full scale is unknown), not finite, or none.

    Chapter: book/log_mel.ipynb
    """
    y = np.asarray(waveform)
    if y.dtype.kind != "f":
        raise AudioError(
            f"{name} holds {y.dtype} samples; give floating-point samples between -1 and 1."
        )
    if y.ndim not in (1, 2):
        raise AudioError(f"{name} has shape {y.shape}; give (n,), (channels, n) or (n, channels).")
    y = y.astype(np.float32, copy=False)
    if y.ndim == 2:
        y = _mix(y if y.shape[0] <= y.shape[1] else y.T)
    return check(y, name)


def check(y, name):
    """Return `y`, of any shape (n,), or raise where it is empty or not finite.

    Raises
    ------
    AudioError
        The message begins with `name`.

    Chapter: book/log_mel.ipynb
    """
    if y.size == 0:
        raise AudioError(f"{name}: no samples.")
    # Energy is finite only where every sample is, and needs no array of flags.
    with np.errstate(over="ignore", invalid="ignore"):
        energy = np.dot(y, y)
    if not np.isfinite(energy):
        raise AudioError(f"{name}: samples that are not finite numbers.")
    return y


def _mix(y):
    """Average channels, (channels, n) → (n,): one product, twenty times as fast as ``mean``."""
    channels = y.shape[0]
    if channels == 1:
        return np.ascontiguousarray(y[0])
    return np.full(channels, 1 / channels, np.float32) @ y


def resample(y, native, sr):
    """Resample a mono waveform from `native` to `sr` Hz, as ``librosa.resample`` by default.

    Returns
    -------
    numpy.ndarray [shape=(ceil(n · sr / native),), dtype=float32]

    Chapter: book/log_mel.ipynb
    """
    if native == sr or y.size == 0:
        return y
    n = math.ceil(y.size * sr / native)
    y = soxr.resample(y, native, sr, quality="HQ")
    return y[:n] if y.size >= n else np.pad(y, (0, n - y.size))
