"""Every figure of the book. Each function takes ``ax=None`` and returns the Axes it drew on."""

from prcnn.plots.clips import artist_shares, genre_counts, overlaps
from prcnn.plots.listening import occlusion, over_time
from prcnn.plots.networks import attention, feature_maps, influence, receptive_fields
from prcnn.plots.player import player
from prcnn.plots.question import question
from prcnn.plots.reports import accuracies, confusion, forest, heard, learning_curves, scores
from prcnn.plots.signal import mel_bands, mel_scale, reach, spectrogram, stage_costs, waveform
from prcnn.plots.style import show, use_style
