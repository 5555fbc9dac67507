"""Every figure of the book. Each function takes ``ax=None`` and returns the Axes it drew on."""

from prcnn.plots.style import show, use_style

__all__ = ["show", "use_style"]
