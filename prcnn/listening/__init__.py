"""Your song, heard by a network: which genre, how sure, when, and what decided.

Chapter: book/classify.ipynb
"""

from prcnn.listening.occlusion import Decided, decided
from prcnn.listening.song import SURE, Listening, classify, clock

__all__ = ["SURE", "Decided", "Listening", "classify", "clock", "decided"]
