"""A network is fitted to a store, in a run folder that survives being killed.

Chapter: book/train.ipynb
"""

from prcnn.training.augment import Augment
from prcnn.training.fit import TrainingError, train
from prcnn.training.recipes import RECIPES, Recipe
from prcnn.training.run_folder import Run, load_run

__all__ = ["RECIPES", "Augment", "Recipe", "Run", "TrainingError", "load_run", "train"]
