"""Your song, heard by a network.

Chapter: book/classify.ipynb
"""

from prcnn.listening.song import Listening, classify

__all__ = ["Listening", "classify"]
