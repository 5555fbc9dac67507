"""Figures that more than one page draws, and those of what the library finds in your own music.

Each takes ``ax=None`` and returns the Axes it drew on; what one page alone draws stands there.
"""

from prcnn.plots.listening import occlusion, over_time
from prcnn.plots.page import GENRE_COLOURS, player, question, show, use_style
from prcnn.plots.reports import accuracies, confusion, forest, genre_bars, learning_curves
from prcnn.plots.signal import spectrogram, waveform
