"""How a network is trained where its user says nothing: a recipe by its name.

Chapter: book/beyond.ipynb
"""

import dataclasses
import json
import numbers
from dataclasses import dataclass, field

import keras
import numpy as np
from keras.optimizers.schedules import LearningRateSchedule

from prcnn.training.augment import Augment

SCHEDULES = ("constant", "plateau", "one_cycle")
WARM_UP, START = 0.3, 0.04  # share of one cycle in which the rate rises, and where it begins


@dataclass(frozen=True)
class Recipe:
    """How :func:`prcnn.training.train` trains; ``dataclasses.replace(recipe, ema=0.0)`` is another.

    Attributes
    ----------
    optimizer : str or type
        A class in ``keras.optimizers`` by name, or an optimizer's class.
    learning_rate : float or keras.optimizers.schedules.LearningRateSchedule
        The highest one, or a schedule of Keras's.
    options : dict
        The optimizer's other arguments.
    batch_size : int
        Clips a step; the last step of an epoch takes what remains. With several devices this is
        the number over all of them together.
    schedule : {"constant", "plateau", "one_cycle"}
        ``"plateau"`` halves the learning rate when the validation accuracy has not risen by 0.01
        for 10 epochs, as the paper's authors did. ``"one_cycle"`` lets it rise in a line and fall
        in half a cosine; a run by it cannot go on to more epochs.
    label_smoothing : float
        So much of a training label is spread evenly over all genres.
    ema : float
        Validate and keep a moving average of the weights, of which every step leaves this share
        (0.995, say; less in the first steps); 0 keeps the weights themselves.
    augment : Augment
        How clips are altered.

    Raises
    ------
    ValueError
        A value that cannot be.

    Chapter: book/beyond.ipynb
    """

    optimizer: str | type = "RMSprop"
    learning_rate: float | LearningRateSchedule = 5e-4
    options: dict = field(default_factory=dict)
    batch_size: int = 64
    schedule: str = "constant"
    label_smoothing: float = 0.0
    ema: float = 0.0
    augment: Augment = Augment()

    def __post_init__(self):
        whole("batch_size", self.batch_size, 1)
        rate = self.learning_rate
        if isinstance(rate, LearningRateSchedule):
            if self.schedule != "constant":
                raise ValueError(
                    f"A learning_rate that is a schedule of its own has no schedule="
                    f"{self.schedule!r}; give it a number, or say schedule='constant'."
                )
        elif not (isinstance(rate, numbers.Real) and 0 < rate < np.inf):
            raise ValueError(f"learning_rate is a number above 0, or Keras's schedule, not {rate}.")
        for name in ("label_smoothing", "ema"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name} is at least 0 and below 1, not {getattr(self, name)}.")
        one_of("schedule", self.schedule, SCHEDULES)
        known = [name for name in dir(keras.optimizers) if name[0].isupper()]
        if not isinstance(self.optimizer, type):
            one_of("optimizer", self.optimizer, known)

    def make_optimizer(self, steps):
        """A new Keras optimizer for a run of so many steps."""
        kind, rate = self.optimizer, self.learning_rate
        if self.schedule == "one_cycle":
            rise = WARM_UP * steps
            rate = keras.optimizers.schedules.CosineDecay(
                START * rate, steps - rise, warmup_target=rate, warmup_steps=rise
            )
        return (kind if isinstance(kind, type) else getattr(keras.optimizers, kind))(
            rate, **self.options
        )

    def settings(self):
        """All of it as plain JSON values, with everything that the optimizer is set to."""
        optimizer = dataclasses.replace(self, schedule="constant").make_optimizer(1)
        config = {"class": type(optimizer).__name__, **optimizer.get_config()}
        rate = config.pop("learning_rate")
        del config["name"]  # numbered by what else the process has built
        said = {
            **dataclasses.asdict(dataclasses.replace(self, options={})),
            "learning_rate": rate if isinstance(rate, dict) else float(self.learning_rate),
            "optimizer": config,
        }
        del said["options"]
        return json.loads(json.dumps(said, default=str))

    @property
    def label_rows(self):
        """Whether a label is a row of weights (n, genres), not a number."""
        return self.label_smoothing > 0 or self.augment.mixup > 0


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
            mask_width=0.08,
            mixup=0.4,
            mixup_share=0.5,
        ),
    ),
}


def choose(model, recipe, **changes):
    """The recipe asked for, by name or itself, or the network's own, with what ``changes`` name."""
    if model.compiled and not _cross_entropy(model):
        raise ValueError(
            f"Network {model.name!r} is compiled with a loss of its own, {model.loss!r}, but train "
            "minimises the cross-entropy of probabilities. Hand it in uncompiled, with a softmax "
            "at its end (label smoothing is the recipe's), or use model.fit with store.stream(…)."
        )
    if recipe is None:
        recipe = RECIPES.get(model.name, RECIPES["paper"])
        if model.compiled:
            recipe = dataclasses.replace(recipe, **_compiled(model.optimizer))
    elif not isinstance(recipe, Recipe):
        one_of("recipe", recipe, RECIPES)
        recipe = RECIPES[recipe]
    return dataclasses.replace(recipe, **{k: v for k, v in changes.items() if v is not None})


def _cross_entropy(model):
    """Whether a compiled network minimises what train does, and nothing else."""
    kinds = keras.losses.SparseCategoricalCrossentropy, keras.losses.CategoricalCrossentropy
    plain = [kind().get_config() | {"name": None} for kind in kinds]
    loss, weights = model.loss, model.get_compile_config().get("loss_weights")
    if isinstance(loss, keras.losses.Loss):
        return type(loss) in kinds and loss.get_config() | {"name": None} in plain and not weights
    names = {name for kind in kinds for name in (kind.__name__, kind().name)}
    return getattr(loss, "__name__", str(loss)) in names and not weights


def _compiled(optimizer):
    """A recipe's fields that say what a compiled network's optimizer is set to."""
    config = optimizer.get_config()
    rate = config.pop("learning_rate")
    del config["name"]
    if isinstance(rate, dict):
        rate = keras.optimizers.schedules.deserialize(rate)
    else:
        rate = float(str(np.float32(rate)))  # 0.0005, not 0.0005000000237
    return {"optimizer": type(optimizer), "learning_rate": rate, "options": config}


def whole(name, value, least):
    """`value` as an int, or ValueError where it is none, or less than `least`."""
    if not isinstance(value, numbers.Integral) or isinstance(value, bool) or value < least:
        raise ValueError(f"{name} is a whole number, at least {least}, not {value!r}.")
    return int(value)


def one_of(name, value, known):
    """ValueError where `value` is not one of the `known`."""
    if not isinstance(value, str) or value not in known:
        raise ValueError(f"Unknown {name} {value!r}. Known: {', '.join(known)}.")
