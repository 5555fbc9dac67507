"""Figures of sound: the waveform, its spectrogram, the mel scale, and what each step costs."""

import librosa
import matplotlib.pyplot as plt
import numpy as np

from prcnn.plots.style import HATCHES
from prcnn.spectrogram import PAPER, get_settings, mel_filters

_TICKS = (500, 1000, 2000, 4000, 8000)


def waveform(y, sr=22050, ax=None, title=""):
    """Pressure of ``y`` (n,), at ``sr`` Hz, over time; long clips as the band of their extremes.

    Chapter: book/log_mel.ipynb
    """
    ax = ax or plt.subplots(figsize=(7.2, 1.8))[1]
    y = np.asarray(y)
    if y.size <= 4000:
        ax.plot(np.arange(y.size) / sr, y, color="0.2", linewidth=1)
    else:  # more samples than pixels: what a line would show is its envelope
        pieces = np.array_split(y, 700)
        seconds = np.linspace(0, y.size / sr, len(pieces))
        low, high = [p.min() for p in pieces], [p.max() for p in pieces]
        ax.fill_between(seconds, low, high, color="0.3", linewidth=0)
    ax.set(xlabel="time (s)", ylabel="amplitude", xlim=(0, y.size / sr), title=title)
    return ax


def spectrogram(values, settings=PAPER, ax=None, title="", colorbar=True):
    """Picture of a spectrogram: time to the right, frequency upwards, labelled in seconds and Hz.

    Neighbours are averaged where there are more of them than the picture can show.

    Parameters
    ----------
    values : array (time, frequency)
        As from :func:`prcnn.spectrogram.log_mel`.
    settings : Settings or str
        What made it: gives both axes and the unit.

    Chapter: book/log_mel.ipynb
    """
    settings = get_settings(settings)
    ax = ax or plt.subplots(figsize=(7.2, 2.6))[1]
    frames, bands = np.shape(values)
    seconds = frames * settings.step
    # As many cells as can be told apart, and as many colours: the page stays small.
    box = ax.get_window_extent()
    cells = _average(_average(values, box.width / 3).T, box.height / 1.5)
    image = ax.imshow(
        cells,
        origin="lower",
        aspect="auto",
        cmap=plt.get_cmap("magma", 16),  # darkens evenly, also on a black-and-white printer
        extent=(0, seconds, 0, bands),
        interpolation="nearest",
        vmin=settings.floor,
        vmax=0,
    )
    sr = settings.sr or 44100  # what clips have that are taken at their own rate, nearly all
    if settings.n_mels:
        ticks = [hz for hz in _TICKS if hz < sr / 2]
        ax.set_yticks(librosa.hz_to_mel(ticks) / librosa.hz_to_mel(sr / 2) * bands, ticks)
    else:
        ticks = np.arange(0, sr / 2, 2000, dtype=int)
        ax.set_yticks(ticks * settings.n_fft / sr, ticks)
    ax.set(xlabel="time (s)", ylabel="frequency (Hz)", title=title)
    ax.grid(False)
    if colorbar:
        unit = "dB" if settings.unit == "decibel" else "ln of power"
        ax.figure.colorbar(image, ax=ax, label=unit, pad=0.01)
    return ax


def _average(values, most):
    """Average neighbouring rows so that at most `most` are left."""
    values = np.asarray(values)
    edges = np.linspace(0, len(values), min(len(values), max(1, int(most))) + 1).astype(int)
    return np.add.reduceat(values, edges[:-1]) / np.diff(edges)[:, None]


def mel_scale(ax=None):
    """Hertz against mels; 100 and 8,000 Hz, the ends of the chapter's slide, are marked.

    Chapter: book/log_mel.ipynb
    """
    ax = ax or plt.subplots(figsize=(7.2, 2.8))[1]
    hz = np.linspace(0, 11025, 500)
    ax.plot(hz, librosa.hz_to_mel(hz), color="black")
    for end in (100, 8000):
        mel = float(librosa.hz_to_mel(end))
        ax.plot([end, end, 0], [0, mel, mel], color="0.5", linestyle=":")
        place = (end, mel), (6, -13) if mel > 10 else (8, -4)
        ax.annotate(f"{end:,} Hz", place[0], xytext=place[1], textcoords="offset points")
    ax.axvline(1000, color="0.8", zorder=0)
    ax.annotate("straight below 1 kHz", (1000, 12), xytext=(6, 0), textcoords="offset points")
    ax.set(xlabel="frequency (Hz)", ylabel="mels (Slaney)", xlim=(0, 11025), ylim=(0, 52))
    return ax


def mel_bands(ax=None):
    """Every eighth triangle of ``PAPER``'s mel filterbank.

    Chapter: book/log_mel.ipynb
    """
    ax = ax or plt.subplots(figsize=(7.2, 2.2))[1]
    hz = np.fft.rfftfreq(PAPER.n_fft, 1 / PAPER.sr)
    for i, band in enumerate(mel_filters(PAPER).T[::8]):
        ax.plot(hz, band / band.max(), color=("0.1", "0.55")[i % 2], lw=1)
    ax.set(xlabel="frequency (Hz)", ylabel="weight (of its peak)", xlim=(0, PAPER.sr / 2))
    return ax


def reach(y, settings, ax=None):
    """A clip's waveform, and under it what the frames of each of several settings look at.

    ``y`` (n,) is at 22,050 Hz; ``settings`` is a sequence of Settings or their names.

    Chapter: book/log_mel.ipynb
    """
    ax = waveform(y / np.abs(y).max(), ax=ax or plt.subplots(figsize=(7.2, 2.4))[1])
    low = -1.15
    for one, hatch in zip(map(get_settings, settings), HATCHES[1:], strict=False):
        bottom, low = low - 0.45, low - 0.6
        ax.broken_barh([(0, one.seconds)], (bottom, 0.4), facecolor="0.85", hatch=hatch, ec="0.3")
        words = f"{one.name}: hop {one.hop_length}, {one.n_frames} frames, {one.seconds:.1f} s"
        start = 0.3 if one.seconds > y.size / 22050 * 0.6 else one.seconds + 0.3
        box = {"facecolor": "white", "edgecolor": "none", "pad": 1}
        ax.text(start, bottom + 0.2, words, va="center", fontsize="small", bbox=box)
    ax.set(ylim=(low, 1.1), yticks=[-1, 0, 1])
    return ax


def stage_costs(costs, ax=None, cores="one core"):
    """Bars of milliseconds a clip, each made of its stages.

    ``costs`` is a table: a row a bar, a column a stage, in order; ``cores`` says on how many.

    Chapter: book/log_mel.ipynb
    """
    ax = ax or plt.subplots(figsize=(7.2, 1.2 + 0.5 * len(costs)))[1]
    left = np.zeros(len(costs))
    greys = np.linspace(0.35, 0.95, len(costs.columns))
    for i, stage in enumerate(costs.columns):
        style = {"color": str(greys[i]), "edgecolor": "black", "hatch": HATCHES[i % len(HATCHES)]}
        ax.barh(costs.index, costs[stage], left=left, label=stage, **style)
        left += costs[stage].to_numpy()
    ax.invert_yaxis()
    ax.grid(axis="y", visible=False)
    ax.set(xlabel=f"milliseconds a clip, {cores}")
    ax.legend(ncols=3, loc="lower center", bbox_to_anchor=(0.5, 1.02), frameon=False)
    return ax
