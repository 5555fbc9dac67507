"""Music made on the spot, in FMA's own layout: the default dataset, and a controlled experiment.

An experiment that was tuned, though: its genres were designed while looking at what networks do
with them (see ``recipes``), so that what holds here has to be tried on real music.

``sounds`` are waveforms, ``ensembles`` play them, ``recipes`` say what tells the genres apart, and
``clips`` writes the files.

Chapter: book/datasets.ipynb
"""

from prcnn.datasets.synthetic.clips import VERSION, load, make, plan

__all__ = ["VERSION", "load", "make", "plan"]
