"""Music made on the spot, in FMA's own layout: the default dataset, and a controlled experiment.

``sounds`` are waveforms, ``ensembles`` play them, ``recipes`` say what tells the genres apart (and
that they were tuned), and ``clips`` writes the files. Chapter: book/datasets.ipynb
"""

from .clips import VERSION, find, make, plan

__all__ = ["VERSION", "find", "make", "plan"]
