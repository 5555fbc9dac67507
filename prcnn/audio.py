"""A file becomes a mono waveform, or an error that names the file.

libsndfile decodes (soundfile's wheel brings it, with MP3), FFmpeg what phones and shops make
(PyAV's wheel brings it: no program to install), and soxr resamples, at the quality librosa uses by
default, so that a waveform equals ``librosa.load``'s.

What lies in the sound is an :class:`AudioError`, and stays so. What lies in the disk (missing, not
permitted, too many open files) is the OSError that the system gives, and may pass.
"""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile
import soxr

# What is read on either side of a stretch for the resampler's filter. 0.1 s is some ten times the
# length of soxr's, so the samples kept are those of a resampled whole file.
_MARGIN = 0.1
# FFmpeg's names of what it may open. Without a list it would take a text for a playlist and fetch
# what that names; and a broken MP3 is better left to one decoder.
_CONTAINERS = "mov,aac,asf,matroska"
_SYSTEM_ERROR = 2  # libsndfile's code


class AudioError(ValueError):
    """Sound that cannot be used: broken, too short, silent. The message names the clip."""


def load(path, sr=22050, duration=None, offset=0.0):
    """Decode a stretch of a sound file, average its channels and resample it.

    Reads no more of the file than the stretch and a tenth of a second on either side (from its
    beginning, where FFmpeg decodes). Equal to the same stretch of ``librosa.load(path, sr=sr)``.

    Parameters
    ----------
    path : str or os.PathLike
        MP3, WAV, FLAC, OGG, AIFF, AU and what else libsndfile reads; M4A, MP4, AAC, WMA, WebM.
    sr : int or None
        Sampling rate of the result, in Hz; None for the file's own, see :func:`rate`.
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
        Where the file does not decode, holds no samples in the stretch, or holds samples that are
        not finite numbers.
    OSError
        Where it cannot be read: FileNotFoundError, PermissionError and so on.
    ValueError
        Where `sr` is not a whole number above 0, `offset` is below 0 or `duration` not above 0.

    Chapter: book/log_mel.ipynb
    """
    path = Path(path)
    if sr is not None and not (sr > 0 and float(sr).is_integer()):
        raise ValueError(f"sr is a whole number of Hz above 0, or None, not {sr!r}.")
    if not offset >= 0 or not (duration is None or duration > 0):
        raise ValueError(
            f"offset is 0 s or more and duration above 0 s, not {offset!r} and {duration!r}."
        )
    sr = sr if sr is None else int(sr)

    def stretch(native):
        """Where to start and stop reading, in samples of the file."""
        # Start where a sample of the file and one of the result fall together.
        step = native // math.gcd(native, sr or native)
        first = max(0, int((offset - _MARGIN) * native)) // step * step
        stop = duration and math.ceil((offset + duration + _MARGIN) * native)
        return first, stop

    y, native, first = _first_that_reads(path, _libsndfile, _ffmpeg, stretch)
    sr = sr or native
    y = resample(_mix(y), native, sr)
    start = round(offset * sr) - first * sr // native
    y = y[start : duration and start + round(duration * sr)]
    if offset and not y.size:
        raise AudioError(f"{path}: ends before second {offset:g}.")
    return check(y, path)


def rate(path):
    """Sampling rate of a sound file in Hz; errors as :func:`load`. Chapter: book/log_mel.ipynb"""
    return _header(path)[1]


def headers(clips):
    """Read the header of every clip of ``dataset.clips``, without decoding its sound.

    Returns
    -------
    pandas.DataFrame
        Index as ``clips``; columns ``genre``, ``seconds`` (float), ``sr`` (Hz), ``channels``,
        ``format`` ("MP3", "WAV", …) and ``error`` (why a file cannot be read, else missing; the
        others are then missing).

    Chapter: book/datasets.ipynb
    """
    rows = []
    for path in clips["path"]:
        try:
            rows.append((*_header(path), None))
        except (AudioError, OSError) as error:
            rows.append((None, None, None, None, str(error)))
    columns = ["seconds", "sr", "channels", "format", "error"]
    table = pd.DataFrame(rows, index=clips.index, columns=columns)
    table = table.astype({"seconds": float, "sr": "Int64", "channels": "Int64"})
    table.insert(0, "genre", clips["genre"])
    return table


def _header(path):
    return _first_that_reads(Path(path), _libsndfile_header, _ffmpeg_header)


def _first_that_reads(path, libsndfile, ffmpeg, *more):
    """Return what libsndfile makes of the file, or else FFmpeg; their errors become ours."""
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file.")
    try:
        return libsndfile(path, *more)
    except soundfile.LibsndfileError as error:
        with open(path, "rb"):  # raises the system's own error, with its reason, where that is it
            pass
        if error.code == _SYSTEM_ERROR:
            raise OSError(f"{path}: cannot be read ({error}).") from error
        why = error
    import av  # here, as few files need it

    try:
        return ffmpeg(av, path, *more)
    except av.FFmpegError as error:
        if isinstance(error, OSError):  # plain, as FFmpeg's own do not come back from a process
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise AudioError(f"{path}: does not decode ({why}). Is it a sound file?") from error


def _libsndfile(path, stretch):
    """Decode: samples (channels, n), their rate, and which sample of the file is the first."""
    with soundfile.SoundFile(path) as file:
        first, stop = stretch(file.samplerate)
        first = min(first, file.frames)
        if first:  # seeking in an MP3 costs, even to where one is
            file.seek(first)
        y = file.read(-1 if stop is None else stop - first, dtype="float32", always_2d=True)
        return y.T, file.samplerate, first


def _libsndfile_header(path):
    info = soundfile.info(path)
    return info.duration, info.samplerate, info.channels, info.format


def _ffmpeg(av, path, stretch):
    """As :func:`_libsndfile`. Decodes from the start: seeking in AAC is not exact to the sample."""
    with _open(av, path) as file:
        blocks, n, stop, convert = [], 0, None, None
        for frame in _frames(av, file):
            if convert is None:  # the header's rate may be half of what the decoder makes (HE-AAC)
                native = frame.sample_rate
                first, stop = stretch(native)
                convert = av.AudioResampler("fltp", frame.layout, native)
            blocks += [part.to_ndarray() for part in convert.resample(frame)]
            n += blocks[-1].shape[1]
            if stop is not None and n >= stop:
                break
    if not blocks:
        raise AudioError(f"{path}: no samples.")
    return np.concatenate(blocks, axis=1)[:, first:stop], native, first


def _ffmpeg_header(av, path):
    with _open(av, path) as file:
        stream, frame = file.streams.audio[0], next(_frames(av, file), None)
        if frame is None:
            raise AudioError(f"{path}: no samples.")
        seconds = (file.duration or 0) / av.time_base
        channels = frame.layout.nb_channels
        return seconds, frame.sample_rate, channels, stream.codec_context.name.upper()


def _open(av, path):
    file = av.open(str(path), options={"format_whitelist": _CONTAINERS})
    if not file.streams.audio:
        file.close()
        raise AudioError(f"{path}: holds no sound.")
    return file


def _frames(av, file):
    """Decode the first audio stream; packets that are damaged are passed over."""
    for packet in file.demux(file.streams.audio[0]):
        try:
            yield from packet.decode()
        except av.error.InvalidDataError:
            continue


def mono(waveform, name="The waveform"):
    """Average the channels of a waveform, (n,), (channels, n) or (n, channels): float32 (n,).

    Of two axes the shorter one is the channels. An AudioError about `name` where the samples are
    integers (their full scale is unknown), not finite, or none.
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
    """Return `y` (n,), or raise an AudioError about `name` where it is empty or not finite."""
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

    The result is float32, of ceil(n · sr / native) samples. Chapter: book/log_mel.ipynb
    """
    if native == sr or y.size == 0:
        return y
    n = math.ceil(y.size * sr / native)
    y = soxr.resample(y, native, sr, quality="HQ")
    return y[:n] if y.size >= n else np.pad(y, (0, n - y.size))
