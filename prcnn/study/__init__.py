"""What belongs to this paper alone: its numbers, its ablations, its weights, and our results.

``facts``, ``rows`` and ``questions`` are data; ``run`` runs a row on a fold, ``records`` keeps what
it says, and ``answers`` compares. ``weights`` measures the authors' own, ``ship`` makes ours.

Chapter: book/ablations.ipynb
"""

from prcnn.study.answers import claims, comparisons
from prcnn.study.records import predictions

__all__ = ["claims", "comparisons", "predictions"]
