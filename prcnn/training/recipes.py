"""How a network is trained where its user says nothing: a recipe by its name."""

import dataclasses
import json
import numbers
from dataclasses import dataclass, field

import keras
import numpy as np
from keras.losses import CategoricalCrossentropy, SparseCategoricalCrossentropy
from keras.optimizers.schedules import CosineDecay, LearningRateSchedule, deserialize, serialize

from prcnn.training.augment import Augment

SCHEDULES = ("constant", "one_cycle")
KEEP = ("best", "last")
NOTHING = Augment()
WARM_UP, START = 0.3, 0.04  # share of one cycle in which the rate rises, and where it begins


def require(fits, name, value, wanted):
    """Raise ValueError, naming argument and value, where it does not fit."""
    if not fits:
        raise ValueError(f"{name} must be {wanted}, not {value!r}.")


def whole(name, value, least=1):
    """The value as an int; ValueError unless it is a whole number from ``least`` on."""
    fits = isinstance(value, numbers.Integral) and type(value) is not bool and value >= least
    require(fits, name, value, f"a whole number, at least {least}")
    return int(value)


@dataclass(frozen=True)
class Recipe:
    """How :func:`prcnn.training.train` trains; ``dataclasses.replace(recipe, ema=0.0)`` is another.

    Attributes
    ----------
    optimizer : str or type
        A class in ``keras.optimizers`` by name, or an optimizer's class.
    learning_rate : float or keras.optimizers.schedules.LearningRateSchedule
        The highest one, or a schedule of Keras's, which takes ``schedule="constant"``.
    options : dict
        The optimizer's other arguments.
    batch_size : int
        Clips a step, on all devices together; the last step of an epoch takes what remains.
    schedule : {"constant", "one_cycle"}
        ``"one_cycle"``: rise in a line and fall in half a cosine; no more epochs after that.
    label_smoothing : float
        So much of a training label is spread evenly over all genres.
    ema : float
        Validate and keep a moving average of the weights, of which every step leaves this share
        (0.995, say; less in the first steps); 0 keeps the weights themselves.
    augment : Augment
        How clips are altered.
    keep : {"best", "last"}
        Which epoch: that of the best validation accuracy, the earlier one of equals; or the last,
        as befits a run whose rate falls to nothing, and then validation chooses nothing.
    """

    optimizer: str | type = "RMSprop"
    learning_rate: float | LearningRateSchedule = 5e-4
    options: dict = field(default_factory=dict)
    batch_size: int = 64
    schedule: str = "constant"
    label_smoothing: float = 0.0
    ema: float = 0.0
    augment: Augment = NOTHING
    keep: str = "best"

    def __post_init__(self):
        kind, rate = self.optimizer, self.learning_rate
        scheduled = isinstance(rate, LearningRateSchedule)
        positive = isinstance(rate, numbers.Real) and 0 < rate < np.inf
        known = SCHEDULES[:1] if scheduled else SCHEDULES
        require(isinstance(_class(kind), type), "optimizer", kind, "a class in keras.optimizers")
        require(scheduled or positive, "learning_rate", rate, "above 0, or a schedule of Keras's")
        require(self.schedule in known, "schedule", self.schedule, f"one of {known}")
        require(self.keep in KEEP, "keep", self.keep, f"one of {KEEP}")
        whole("batch_size", self.batch_size)
        for name in ("label_smoothing", "ema"):
            share = getattr(self, name)
            require(0 <= share < 1, name, share, "at least 0 and below 1")

    def make_optimizer(self, steps):
        """A new Keras optimizer for a run of so many steps."""
        rate = self.learning_rate
        if self.schedule == "one_cycle":
            rise = WARM_UP * steps
            rate = CosineDecay(START * rate, steps - rise, warmup_target=rate, warmup_steps=rise)
        return _class(self.optimizer)(rate, **self.options)

    def settings(self):
        """All of it as plain JSON values."""
        return json.loads(json.dumps(dataclasses.asdict(self), default=_plain))


def _class(optimizer):
    return getattr(keras.optimizers, str(optimizer), optimizer)


def _plain(value):
    if isinstance(value, LearningRateSchedule):
        return serialize(value)
    return value.__name__ if isinstance(value, type) else float(value)


#: ``paper``: the paper's section on training, nothing but RMSprop. ``beyond``: what ``beyond`` was
#: chosen with, on validation alone.
RECIPES = {
    "paper": Recipe(),
    "beyond": Recipe(
        optimizer="AdamW",
        learning_rate=3e-3,
        options={"weight_decay": 0.02, "global_clipnorm": 1.0},
        schedule="one_cycle",
        label_smoothing=0.1,
        ema=0.995,
        augment=Augment(
            time_shift=True,
            band_shift=1,
            gain=3.0,
            tilt=3.0,
            frequency_masks=2,
            time_masks=2,
            mixup=0.4,
            mixup_share=0.5,
        ),
    ),
}


def choose(model, recipe, **changes):
    """The recipe asked for, by name or itself, or the network's own, with what ``changes`` name."""
    if model.compiled:
        plain = SparseCategoricalCrossentropy(), CategoricalCrossentropy()
        known = [*plain, *(keras.losses.get(loss.name) for loss in plain)]
        loss = keras.losses.serialize(keras.losses.get(model.loss))
        if loss not in map(keras.losses.serialize, known):
            raise ValueError(
                f"Network {model.name!r} is compiled with the loss {model.loss!r}, but train "
                "minimises the cross-entropy of probabilities. Hand it in uncompiled, with a "
                "softmax at its end (label smoothing is the recipe's), or use model.fit."
            )
    if recipe is None:
        recipe = RECIPES.get(model.name, RECIPES["paper"])
        if model.compiled:
            options = model.optimizer.get_config()
            rate, _ = options.pop("learning_rate"), options.pop("name")
            # 0.0005, not 0.0005000000237
            rate = deserialize(rate) if isinstance(rate, dict) else float(str(np.float32(rate)))
            optimizer = {"optimizer": type(model.optimizer), "options": options}
            recipe = dataclasses.replace(recipe, learning_rate=rate, **optimizer)
    elif not isinstance(recipe, Recipe):
        require(str(recipe) in RECIPES, "recipe", recipe, f"a Recipe, or one of {list(RECIPES)}")
        recipe = RECIPES[recipe]
    return dataclasses.replace(recipe, **{k: v for k, v in changes.items() if v is not None})
