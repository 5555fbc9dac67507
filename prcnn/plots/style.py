"""One look for all figures, and alternative text for each."""

import html
import io
from base64 import b64encode

import matplotlib.pyplot as plt
import seaborn as sns
from IPython.display import HTML
from PIL import Image

__all__ = ["show", "use_style"]

HATCHES = ("", "///", "...", "xxx", "\\\\\\")  # told apart without colour
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


def show(ax, alt):
    """The figure of ``ax`` as a picture with alternative text, for the last line of a cell.

    Parameters
    ----------
    ax : matplotlib Axes or Figure, or a seaborn grid
    alt : str
        What the picture shows, for readers who cannot see it: one sentence.

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
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=_DPI, bbox_inches="tight", facecolor="white")
    plt.close(figure)
    picture = Image.open(buffer).convert("RGB")
    width = picture.width * plt.rcParams["figure.dpi"] / _DPI
    # Curves are smallest as PNG of few colours, spectrograms as WebP.
    png, webp = io.BytesIO(), io.BytesIO()
    picture.quantize(96, dither=Image.Dither.NONE).save(png, format="png", optimize=True)
    picture.save(webp, format="webp", quality=82, method=6)
    smaller, kind = min((png, "png"), (webp, "webp"), key=lambda f: len(f[0].getvalue()))
    encoded = b64encode(smaller.getvalue()).decode()
    return HTML(
        f'<img alt="{html.escape(alt, quote=True)}" style="width:{width:.0f}px;max-width:100%"'
        f' src="data:image/{kind};base64,{encoded}">'
    )
