"""One look for all figures, and alternative text for each."""

import html
import io
from base64 import b64encode

import matplotlib.pyplot as plt
import seaborn as sns
from IPython.display import HTML
from matplotlib.collections import QuadMesh
from PIL import Image

from prcnn.plots.player import player

HATCHES = ("", "///", "...", "xxx", "\\\\\\")  # told apart without colour
_PAD = 0.1  # inches around a figure
_DPI = 140  # sharper than a page is wide; shown at figure.dpi


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


def show(ax, alt, sound=None, **heard):
    """The figure of ``ax`` as a picture with alternative text, for the last line of a cell.

    Parameters
    ----------
    ax : matplotlib Axes or Figure, or a seaborn grid
    alt : str
        What the picture shows, for readers who cannot see it: one sentence.
    sound : str, os.PathLike or array_like, optional
        What is to be heard with it: a player comes under the picture, and in the book a line runs
        over ``ax``, whose horizontal axis is in seconds, while it plays. A click in the picture
        plays from there.
    **heard
        Of :func:`prcnn.plots.player`: ``sr``, ``label``, ``seconds``, ``offset``.

    Returns
    -------
    IPython.display.HTML
        An ``<img>`` that scales to the page; the figure is closed.

    Raises
    ------
    ValueError
        If ``alt`` is empty.

    Chapter: every figure goes through this.
    """
    if not alt.strip():
        raise ValueError("show(ax, alt=…): alternative text must say what the picture shows.")
    figure = getattr(ax, "figure", ax)
    figure.canvas.draw()
    box = figure.get_tightbbox().padded(_PAD)  # in inches: what is saved of the figure
    where = "" if sound is None else _seconds(ax, figure, box, heard.get("offset", 0.0))
    meshes = [isinstance(part, QuadMesh) for each in figure.axes for part in each.collections]
    colours = any(meshes) or any(each.images for each in figure.axes)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=_DPI, bbox_inches=box, facecolor="white")
    plt.close(figure)
    picture = Image.open(buffer).convert("RGB")
    width = picture.width * plt.rcParams["figure.dpi"] / _DPI
    # Curves are smallest as few colours without loss, spectrograms as a photograph.
    flat, photograph = io.BytesIO(), io.BytesIO()
    few = picture.quantize(64, dither=Image.Dither.NONE).convert("RGB")
    few.save(flat, format="webp", lossless=True, quality=100, method=6)
    picture.save(photograph, format="webp", quality=82, method=6)
    smaller = min((flat, photograph), key=lambda f: len(f.getvalue()))
    encoded = b64encode(smaller.getvalue()).decode()
    # Drawings of lines are turned over on a dark page; colours that mean something are not.
    image = (
        f'<img class="{"picture" if colours else "drawing"}" alt="{html.escape(alt, quote=True)}"'
        f' style="width:{width:.0f}px;max-width:100%" src="data:image/webp;base64,{encoded}">'
    )
    if sound is None:
        return HTML(image)
    return HTML(f'<div class="heard" {where}>{image}{player(sound, **heard).data}</div>')


def _seconds(ax, figure, box, offset):
    """Where in the picture the axes lie (shares of its width), and which seconds they show."""
    extent = ax.get_window_extent().transformed(figure.dpi_scale_trans.inverted())
    left, right = ((x - box.x0) / box.width for x in (extent.x0, extent.x1))
    start, end = ax.get_xlim()
    shares = f'data-left="{left:.5f}" data-right="{right:.5f}"'
    return f'{shares} data-start="{start - offset:g}" data-end="{end - offset:g}"'
