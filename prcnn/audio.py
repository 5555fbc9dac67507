"""A file becomes a mono waveform, whole, or an error that names the file.

libsndfile decodes (soundfile's wheel brings it, with MP3) where its word of a file's length can be
relied on. FFmpeg (PyAV's wheel brings it: no program to install) decodes the rest: what phones and
shops make, MP3s without a length, what is joined, damaged or cut short. soxr resamples, at the
quality librosa uses by default, so that a waveform equals ``librosa.load``'s.

What lies in the sound is an :class:`AudioError`, and stays so. What lies in the disk (missing, not
permitted, too many open files) is the OSError that the system gives, and may pass.
"""

import errno
import math
import os
import re
import struct
import threading
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile
import soxr

from prcnn.datasets.dataset import printable, warn

# FFmpeg may open these. Without a list it would take a text for a playlist and fetch what it names.
_CONTAINERS = "mov,aac,asf,matroska,mp3,flac,ogg,wav,w64,aiff,au,caf,amr,ape"
_NO_SOUND = {
    b"version https://git-lfs": "a pointer of Git LFS (git lfs pull fetches the file itself)",
    b"<!doctype": "a web page",
    b"<html": "a web page",
}
_RATES = 1_000, 1_000_000  # Hz. Brought from the 1 Hz of a broken header, a second is hours
_IN_OGG = ("OGG", "VORBIS", "OPUS", "FLAC")  # formats of which a file may be an Ogg
_STDERR = threading.Lock()


class AudioError(ValueError):
    """Sound that cannot be used: broken, too short, silent. The message names the clip."""

    def __init__(self, message):
        super().__init__(printable(message))


def load(path, sr=22050, duration=None, offset=0.0):
    """Decode a stretch of a sound file, average its channels and resample it.

    Equal to ``librosa.load(path, sr=sr, duration=duration, offset=offset)``, but whole. A
    UserWarning says how many seconds a damaged file lacks, that an Ogg has lost its end, or that
    the channels cancel. The end that an AAC, or an MP3 without a tag, has lost nobody can know of.
    What lies behind the stretch is not decoded; what lies before it is, for seeking is not exact.

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
        Where the file does not decode, or has no samples in the stretch or infinite ones.
    OSError
        Where it cannot be read: FileNotFoundError, PermissionError and so on.
    ValueError
        Where `sr` is not a whole number of Hz, `offset` is below 0 or `duration` not above 0.

    Chapter: book/log_mel.ipynb
    """
    if sr is not None and not (sr > 0 and float(sr).is_integer()):
        raise ValueError(f"sr is a whole number of Hz above 0, or None, not {sr!r}.")
    if not offset >= 0 or not (duration is None or duration > 0):
        raise ValueError(
            f"offset is 0 s or more and duration above 0 s, not {offset!r} and {duration!r}."
        )
    # A tenth of a second more, some ten times the length of the resampler's filter.
    blocks, native, *_ = _decode(path, offset + (duration or math.inf) + 0.1)
    sr = native if sr is None else int(sr)
    start = round(offset * sr)
    y = resample(_mix(blocks, path), native, sr)[start : duration and start + round(duration * sr)]
    if offset and not y.size:
        raise AudioError(f"{path}: ends before second {offset:g}.")
    return check(y, path)


def rate(path):
    """Sampling rate of a sound file in Hz; errors as :func:`load`."""
    return _decode(path, 0.1)[1]


def headers(clips):
    """Read the header of every clip of ``dataset.clips``; decode those that have no length in it.

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
            blocks, native, seconds, kind = _decode(path, 0.1)
            seconds = seconds or _length(_decode(path, math.inf)[0]) / native
            rows.append((seconds, native, len(blocks[0]), kind, None))
        except (AudioError, OSError) as error:
            rows.append((None, None, None, None, printable(error)))
    table = pd.DataFrame(rows, clips.index, ["seconds", "sr", "channels", "format", "error"])
    table.insert(0, "genre", clips["genre"])
    return table.astype({"seconds": float, "sr": "Int64", "channels": "Int64"})


def _decode(path, end):
    """The first `end` seconds of a file, or all of a shorter one.

    Returns blocks of samples (channels, n), their rate, the seconds of the whole file (0 where its
    header does not say), and its format.
    """
    path = Path(os.path.expanduser(path))
    if not path.is_file():  # a pipe would keep us waiting for ever
        kind = ", but a folder" if path.is_dir() else ", but a pipe or device" * path.exists()
        raise FileNotFoundError(f"{path}: no such file{kind}.")
    rest = _mp3_rest(path)
    decoded = (rest in (None, 0) and _libsndfile(path, end, rest)) or _ffmpeg(path, end, rest)
    blocks, native, seconds, kind = decoded
    if not _RATES[0] <= native <= _RATES[1]:
        raise AudioError(f"{path}: its header says {native} Hz, which no music has.")
    missing = min(seconds, end) - _length(blocks) / native
    if missing > 0.05:
        _say(f"{path}: damaged or cut short, {missing:.2f} s of its sound are missing.")
    elif kind in _IN_OGG and _length(blocks) < end * native and _breaks_off(path):
        _say(f"{path}: cut short, its last page is missing. How much was in it is not known.")
    return decoded


def _breaks_off(path):
    """Whether an Ogg's last page is cut short, or not marked as its last."""
    with open(path, "rb") as file:
        if file.read(4) != b"OggS":
            return False
        longest = 27 + 255 + 255 * 255
        file.seek(max(0, file.seek(0, os.SEEK_END) - longest))
        tail = file.read()
    page = tail[tail.rfind(b"OggS") :]
    whole = len(page) > 27 and len(page) >= 27 + page[26] + sum(page[27 : 27 + page[26]])
    return not (whole and page[5] & 4)


def _mp3_rest(path):
    """Bytes of an MP3 beyond those that its tag counts, inf without a tag; None of other files.

    The tag is how libsndfile knows the length. More bytes are another MP3, fewer are damage.
    """
    with open(path, "rb") as file:
        head = file.read(99)
        what = [what for text, what in _NO_SOUND.items() if head.lstrip().lower().startswith(text)]
        if what or not head:
            raise AudioError(f"{path} is {what[0] if what else 'an empty file'}: no sound.")
        if head[:3] != b"ID3" and head[:1] != b"\xff":
            return None
        sizes = zip(head[6:10], (21, 14, 7, 0), strict=False)
        start = 10 + sum(byte << shift for byte, shift in sizes) if head[:1] == b"I" else 0
        file.seek(start)
        frame = file.read(64)
        end = file.seek(0, os.SEEK_END)
        file.seek(max(0, end - 128))
        end -= 128 * (file.read(3) == b"TAG")  # title and artist, behind the sound
    at = max(frame.find(b"Xing"), frame.find(b"Info"))
    flags, _, counted = struct.unpack(">3I", frame[at + 4 : at + 16]) if 0 < at < 49 else (0, 0, 0)
    return end - start - counted if flags & 3 == 3 else math.inf


@contextmanager
def _quiet():
    """What C libraries write to stderr is lost meanwhile: libmpg123 has much to say of a file."""
    with _STDERR, open(os.devnull, "w") as nowhere:
        kept = os.dup(2)
        os.dup2(nowhere.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)


@_quiet()
def _libsndfile(path, end, rest):
    """As :func:`_decode`; None where that is not known to be all."""
    try:
        with soundfile.SoundFile(path if os.name == "nt" else os.fsencode(path)) as file:
            native, frames, kind = file.samplerate, file.frames, file.format
            # It knows no length of a FLAC from a pipe, of web radio, of a recorder that was killed.
            if not 0 < frames < 2**40 or (rest is None and "MPEG" in file.subtype):
                return None
            n = math.ceil(min(end, frames / native) * native)
            y = file.read(n, "float32", always_2d=True)
            # Its log says where a header promises more bytes than there are.
            sizes = re.findall(r"(\d+) \(should be (\d+)\)", file.extra_info)
    except (soundfile.LibsndfileError, MemoryError):
        return None
    if len(y) < n:
        return None
    stated, there = map(int, sizes[-1]) if sizes else (1, 1)
    cut = 0 < there < stated < 2**31 - 1  # or more, where a pipe wrote the header
    return [y.T], native, frames / native * (stated / there if cut else 1), kind


def _ffmpeg(path, end, rest):
    """As :func:`_decode`."""
    import av  # here, as few files need it

    blocks, n, bad, lost, before, why = [], 0, 0, 0, None, "holds no samples."
    allowed = {"format_whitelist": _CONTAINERS}
    try:
        with (
            open(path, "rb") as raw,
            av.open(raw, metadata_errors="replace", options=allowed) as file,
        ):
            if not file.streams.audio:
                raise ValueError("it holds no sound")
            stream, kind = file.streams.audio[0], file.format.name
            # The length of an AAC, or of an MP3 without a tag of its own, is guessed from the
            # first frames; that of a chain of Oggs is its last link's.
            guessed = kind in ("aac", "ogg") or (kind == "mp3" and (rest is None or rest > 0))
            seconds = 0.0 if guessed else float((stream.duration or 0) * stream.time_base)
            kind = stream.codec_context.codec.canonical_name.upper()
            for packet in file.demux(stream):
                try:
                    frames = packet.decode()
                except av.error.InvalidDataError:  # damage; or junk, where nothing follows it
                    bad += 1
                    continue
                for frame in frames:
                    lost, bad = lost + bad * frame.samples, 0
                    now = frame.format.name, frame.layout.name, frame.sample_rate
                    if not blocks:  # the header's rate may be half of what is made (HE-AAC)
                        native = frame.sample_rate
                    if now != before:  # at the start; or two files joined
                        convert, before = av.AudioResampler("fltp", frame.layout, native), now
                    blocks += [part.to_ndarray() for part in convert.resample(frame)]
                    n += frame.samples
                if n and n >= end * native:
                    break
    except Exception as error:  # whatever a damaged file makes it stumble on
        ours = isinstance(error, av.FFmpegError) or getattr(error, "errno", 0) == errno.EINVAL
        if isinstance(error, OSError) and not ours:  # the disk's; EINVAL is a place before byte 0
            raise
        why = f"does not decode ({getattr(error, 'strerror', None) or error}). Is it a sound file?"
    if not blocks:
        raise AudioError(f"{path}: {why}")
    return blocks, native, max(seconds, (n + lost) / native if lost else 0), kind


def mono(waveform, name="The waveform"):
    """Average the channels of a waveform, (n,), (channels, n) or (n, channels): float32 (n,).

    Of two axes the shorter one is the channels. An AudioError about `name` where the samples are
    integers (their full scale is unknown), not finite, or none; a UserWarning where the channels
    cancel.
    """
    y = np.asarray(waveform)
    if y.dtype.kind != "f" or y.ndim not in (1, 2):
        raise AudioError(
            f"{name} has {y.dtype} samples in shape {y.shape}; give floating-point samples between "
            "-1 and 1 in shape (n,), (channels, n) or (n, channels)."
        )
    y = y.astype(np.float32, copy=False)
    if y.ndim == 2:
        y = _mix([y if y.shape[0] <= y.shape[1] else y.T], name)
    return check(y, name)


def check(y, name):
    """Return `y` (n,), or raise an AudioError about `name` where it is empty or not finite."""
    if y.size == 0:
        raise AudioError(f"{name}: no samples.")
    if not np.isfinite(_energy(y)):  # finite only where every sample is, and needs no flags
        raise AudioError(f"{name}: samples that are not finite numbers.")
    return y


def _mix(blocks, name):
    """Average channels, (channels, n) → (n,): one product, twenty times as fast as ``mean``."""
    mixed = [np.full(len(b), 1 / len(b), np.float32) @ b for b in blocks]
    # Every hundredth sample says whether they cancel; a codec leaves this much of R = -L.
    energy = sum(_energy(b[:, ::101]) / len(b) for b in blocks)
    if sum(_energy(y[::101]) for y in mixed) < energy / 100:
        _say(f"{name}: its channels cancel, one is the other's negative. Give one of them alone.")
    return np.concatenate(mixed) if len(mixed) > 1 else mixed[0]


@np.errstate(all="ignore")
def _energy(y):
    return np.linalg.norm(y) ** 2


def _length(blocks):
    return sum(block.shape[1] for block in blocks)


def _say(message):
    with _STDERR:  # not while another thread is quiet
        warn(message)


def resample(y, native, sr):
    """Resample a mono waveform from `native` to `sr` Hz, as ``librosa.resample`` by default.

    The result is float32, of ceil(n · sr / native) samples. ValueError for rates that no music has.
    """
    if not all(_RATES[0] <= rate <= _RATES[1] for rate in (native, sr)):
        raise ValueError(f"Sampling rates are {_RATES[0]} to {_RATES[1]} Hz, not {native}, {sr}.")
    y = np.asarray(y, np.float32)
    if native == sr or y.size == 0:
        return y
    n = math.ceil(y.size * sr / native)
    y = soxr.resample(y, native, sr, quality="HQ")
    return y[:n] if y.size >= n else np.pad(y, (0, n - y.size))
