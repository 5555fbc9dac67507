"""Figures of sound: the waveform and its spectrogram."""

import librosa
import matplotlib.pyplot as plt
import numpy as np

from prcnn.spectrogram import PAPER, get_settings

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
    if settings.n_mels:
        ticks = [hz for hz in _TICKS if hz < settings.sr / 2]
        ax.set_yticks(librosa.hz_to_mel(ticks) / librosa.hz_to_mel(settings.sr / 2) * bands, ticks)
    else:
        ticks = np.arange(0, settings.sr / 2, 2000, dtype=int)
        ax.set_yticks(ticks * settings.n_fft / settings.sr, ticks)
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
