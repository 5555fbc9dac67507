"""What a page shows and plays: one look, pictures with alternative text, sounds, questions."""

import html
import io
import json
from base64 import b64encode
from functools import cache
from os import PathLike

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
import soundfile
from IPython.display import HTML
from matplotlib.collections import QuadMesh
from matplotlib.font_manager import findfont, fontManager, get_font
from matplotlib.text import Text
from PIL import Image

from prcnn import audio
from prcnn.datasets.dataset import warn

HATCHES = ("", "///", "...", "xxx", "\\\\\\")  # told apart without colour
#: One a genre of FMA-small: each at least 3 : 1 against a white page and against a dark one.
GENRE_COLOURS = {
    "Electronic": "#0173b2",
    "Experimental": "#808080",
    "Folk": "#029e73",
    "Hip-Hop": "#d55e00",
    "Instrumental": "#a87c00",
    "International": "#c264b0",
    "Pop": "#e0457b",
    "Rock": "#7f5fd9",
}
_PAD = 0.1  # inches around a figure
_DPI = 140  # sharper than a page is wide; shown at figure.dpi
_SR = 22050


def use_style():
    """Seaborn's white grid, a palette that survives colour blindness and a black-and-white printer.

    Chapter: every one calls this first.
    """
    sns.set_theme(context="notebook", style="whitegrid", palette="colorblind")
    plt.rcParams.update(
        {
            "figure.figsize": (7.2, 3.6),
            "figure.dpi": 100,
            "figure.constrained_layout.use": True,
            "axes.titlesize": "medium",
            "axes.titlelocation": "left",
            "axes.spines.top": False,
            "axes.spines.right": False,
            "image.cmap": "magma",
            "image.origin": "lower",
            "image.aspect": "auto",
        }
    )


def as_written(ax):
    """Draw all words of a figure as they are written, and return ``ax``.

    Dollars begin no formula, and characters that a font lacks come from another one that is
    installed; where none has them, a warning says which to install.
    """
    figure = getattr(ax, "figure", ax)
    for each in figure.axes:  # the labels of ticks are else only known once they are drawn
        each.get_xticklabels(), each.get_yticklabels()
    for text in figure.findobj(Text):
        words = text.get_text()
        if "$" in words and "\\mathdefault" not in words:  # but for a logarithmic axis' own labels
            text.set_parse_math(False)
        needed = {ord(character) for character in words if not character.isspace()}
        if not needed <= _characters(findfont(text.get_fontproperties())):
            text.set_fontfamily(list(dict.fromkeys([*text.get_fontfamily(), *_font_with(needed)])))
    return ax


def _font_with(needed):
    """The name of an installed font with these characters, in a list, or a warning and none."""
    # The last resort, which comes with matplotlib, has a box for every one.
    fonts = [font for font in fontManager.ttflist if "Last Resort" not in font.name]
    for font in sorted(fonts, key=lambda font: (font.weight != 400, "Sans" not in font.name)):
        if needed <= _characters(font.fname):
            return [font.name]
    _ask_for_fonts()
    return []


@cache
def _ask_for_fonts():  # once
    warn(
        "No installed font has all characters of a figure's words, and boxes stand for them. For "
        "Chinese, Japanese and Korean, install Noto Sans CJK and restart Python."
    )


@cache
def _characters(file):
    return frozenset(get_font(file).get_charmap())


def show(ax, alt, sound=None, curve=(), **heard):
    """The figure of ``ax`` as a picture with alternative text, for the last line of a cell.

    Parameters
    ----------
    ax : matplotlib Axes or Figure, or a seaborn grid
    alt : str
        What the picture shows, for readers who cannot see it: one sentence.
    sound : str, os.PathLike or array_like, optional
        What is to be heard with it: a player comes under the picture, and in the book a line runs
        over ``ax``, whose horizontal axis is in seconds, while it plays. A click into the part of
        the picture that the player holds plays from there.
    curve : array_like [shape=(n,)], optional
        A line in ``ax``, as heights at even steps from one end of its horizontal axis to the other:
        in the book a dot rides on it while the sound plays, and says how high it is.
    **heard
        Of :func:`prcnn.plots.player`: ``sr``, ``label``, ``seconds``, ``offset``.

    Returns
    -------
    IPython.display.HTML
        An ``<img>`` that scales to the page; the figure is closed. ValueError if ``alt`` is empty.

    Chapter: every figure goes through this.
    """
    if not alt.strip():
        raise ValueError("show(ax, alt=…): alternative text must say what the picture shows.")
    figure = getattr(as_written(ax), "figure", ax)
    figure.canvas.draw()
    box = figure.get_tightbbox().padded(_PAD)  # in inches: what is saved of the figure
    where = "" if sound is None else _seconds(ax, figure, box, heard.get("offset", 0.0), curve)
    meshes = [isinstance(part, QuadMesh) for each in figure.axes for part in each.collections]
    colours = any(meshes) or any(each.images for each in figure.axes)
    buffer, flat, photograph = io.BytesIO(), io.BytesIO(), io.BytesIO()
    figure.savefig(buffer, format="png", dpi=_DPI, bbox_inches=box, facecolor="white")
    plt.close(figure)
    picture = Image.open(buffer).convert("RGB")
    width = picture.width * plt.rcParams["figure.dpi"] / _DPI
    # Curves are smallest as few colours without loss, spectrograms as a photograph.
    few = picture.quantize(64, dither=Image.Dither.NONE).convert("RGB")
    few.save(flat, format="webp", lossless=True, quality=100, method=6)
    picture.save(photograph, format="webp", quality=82, method=6)
    smaller = min(flat.getvalue(), photograph.getvalue(), key=len)
    # Drawings of lines are turned over on a dark page; colours that mean something are not.
    image = (
        f'<img class="{"picture" if colours else "drawing"}" alt="{html.escape(alt)}"'
        f' style="width:{width:.0f}px;max-width:100%" '
        f'src="data:image/webp;base64,{b64encode(smaller).decode()}">'
    )
    if sound is None:
        return HTML(image)
    return HTML(f'<div class="heard" {where}>{image}{player(sound, **heard).data}</div>')


def _seconds(ax, figure, box, offset, curve):
    """Where in the picture the axes lie (shares of its width), their seconds, and the curve."""
    extent = ax.get_window_extent().transformed(figure.dpi_scale_trans.inverted())
    left, right = ((x - box.x0) / box.width for x in (extent.x0, extent.x1))
    start, end = ax.get_xlim()
    shares = f'data-left="{left:.5f}" data-right="{right:.5f}"'
    seconds = f'data-start="{start - offset:g}" data-end="{end - offset:g}"'
    if not len(curve):
        return f"{shares} {seconds}"
    pixels = ax.transData.transform([(start, height) for height in curve])[:, 1]
    heights = (pixels / figure.dpi - box.y0) / box.height
    pairs = [[round(x, 3), round(float(y), 2)] for x, y in zip(heights, curve, strict=True)]
    return f'{shares} {seconds} data-curve="{json.dumps(pairs, separators=(",", ":"))}"'


def player(waveform_or_path, sr=None, label="Sound", seconds=4.0, offset=0.0):
    """An audio player for a notebook, holding its sound as an MP3 of about 32 kbit/s (4 kB/s).

    Parameters
    ----------
    waveform_or_path : str, os.PathLike or array_like [shape=(n,), (channels, n), (n, channels)]
        What to play, averaged to mono; a waveform louder than full scale is turned down.
    sr : int, optional
        Sampling rate of a waveform in Hz; 22,050 where not given, and for files.
    label : str
        What is heard: read out by screen readers, and shown before the player.
    seconds, offset : float
        How much to keep, from where; an :class:`prcnn.audio.AudioError` where nothing is.

    Returns
    -------
    IPython.display.HTML

    Chapter: book/log_mel.ipynb
    """
    if isinstance(waveform_or_path, str | PathLike):
        y = audio.load(waveform_or_path, _SR, duration=seconds, offset=offset)
    else:
        sr = sr or _SR
        y = audio.mono(waveform_or_path, label)[round(offset * sr) :][: round(seconds * sr)]
        y = audio.resample(audio.check(y, label), sr, _SR)
    name = html.escape(label)
    return HTML(
        f'<figure style="margin:0"><figcaption>{name}</figcaption>'
        f'<audio controls preload="metadata" aria-label="{name}" '
        f'src="data:audio/mpeg;base64,{mp3(y)}"></audio></figure>'
    )


def mp3(y, sr=_SR):
    """Samples (n,) as an MP3 in base64: 32 kbit/s at 22,050 Hz, 80 at 44,100."""
    y = y / max(1.0, float(np.abs(y).max()))
    memory = io.BytesIO()
    # What LAME makes of level 0.85 at these rates.
    soundfile.write(memory, y, sr, format="MP3", compression_level=0.85, bitrate_mode="CONSTANT")
    return b64encode(memory.getvalue()).decode()


def question(ask, sounds, choices, truth, answer, network=None):
    """A question to listen to, as HTML. The book's ``question.js`` makes buttons of the choices.

    Where no script runs, in JupyterLab and on paper, the choices are named and the ``answer``, one
    or two sentences, folds out. ``sounds`` are of :func:`prcnn.plots.player`; ``choices`` are
    texts, of which ``truth`` is the right one, and ``network`` what a network chose, for the score
    of a game. ValueError where either is no choice.

    Chapter: book/guess.ipynb
    """
    for given in (truth, network):
        if given is not None and given not in choices:
            raise ValueError(f"{given!r} is none of the choices: {', '.join(choices)}.")
    data = {"ask": ask, "choices": json.dumps(choices), "truth": truth, "network": network}
    attributes = " ".join(
        f'data-{name}="{html.escape(value)}"' for name, value in data.items() if value
    )
    players = "".join(sound.data for sound in sounds)
    return HTML(
        f'<div class="question" {attributes}><div class="sounds">{players}</div>'
        f'<p class="choices">{html.escape(ask)} {html.escape(", ".join(choices))}.</p>'
        f"<details><summary>The answer</summary><p>{html.escape(answer)}</p></details></div>"
    )
