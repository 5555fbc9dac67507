"""Your song, heard by a network: which genre, how sure, when, and what decided.

Chapter: book/classify.ipynb
"""

from prcnn.listening.occlusion import OcclusionMap, occlusion_map
from prcnn.listening.song import SURE, Listening, classify, clock

__all__ = ["SURE", "Listening", "OcclusionMap", "classify", "clock", "occlusion_map"]
