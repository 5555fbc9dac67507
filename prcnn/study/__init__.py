"""What belongs to this paper alone: its numbers, its ablations, its weights, and our results.

Chapter: book/reproduction.ipynb
"""
