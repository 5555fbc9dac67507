"""How a network is trained where its user says nothing: a recipe by its name.

Chapter: book/beyond.ipynb
"""

import dataclasses
import json
from dataclasses import dataclass

import keras
import numpy as np

from prcnn.training.augment import Augment

PRECISIONS = ("auto", "float32", "mixed")
SCHEDULES = ("constant", "plateau", "one_cycle")
PLATEAU = {"factor": 0.5, "patience": 10, "min_delta": 0.01}  # as in the authors' script
WARM_UP, START = 0.3, 0.04  # share of one cycle in which the rate rises, and where it begins
NOTHING = Augment()


@dataclass(frozen=True)
class Recipe:
    """What :func:`prcnn.training.train` takes where an argument is None.

    Attributes
    ----------
    optimizer : str
        Name of a class in ``keras.optimizers``.
    learning_rate : float
        The highest one.
    weight_decay, clipnorm : float or None
        Of the optimizer; ``clipnorm`` bounds the norm of all gradients together.
    batch_size : int
    schedule : {"constant", "plateau", "one_cycle"}
    label_smoothing : float
        So much of a label is spread evenly over all genres.
    ema : float
        Moving average of the weights, see ``decay``; 0 is none.
    augment : Augment

    Chapter: book/beyond.ipynb
    """

    optimizer: str = "RMSprop"
    learning_rate: float = 5e-4
    weight_decay: float | None = None
    clipnorm: float | None = None
    batch_size: int = 64
    schedule: str = "constant"
    label_smoothing: float = 0.0
    ema: float = 0.0
    augment: Augment = NOTHING

    def make_optimizer(self):
        """A new keras.optimizers.Optimizer that follows the recipe."""
        return getattr(keras.optimizers, self.optimizer)(
            self.learning_rate, weight_decay=self.weight_decay, global_clipnorm=self.clipnorm
        )


#: The paper's section on training: nothing but RMSprop.
PAPER = Recipe()

#: What `beyond` was chosen with, on validation alone.
BEYOND = Recipe(
    optimizer="AdamW",
    learning_rate=3e-3,
    weight_decay=0.02,
    clipnorm=1.0,
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
)


def recipe(name):
    """The recipe of a network by its name: ``beyond`` has one, all others the paper's."""
    return BEYOND if name == "beyond" else PAPER


def rates(settings, accuracies, steps):
    """Learning rates of the next epoch's steps, or None where the optimizer keeps its own.

    A function of the settings and of the validation accuracies so far, so that there is nothing
    to resume.
    """
    rate, schedule = settings["learning_rate"], settings["schedule"]
    if schedule == "constant":
        return None
    if schedule == "plateau":
        return [rate * plateau(accuracies)] * steps
    done = len(accuracies) * steps
    return [rate * one_cycle(done + i, settings["epochs"] * steps) for i in range(steps)]


def plateau(accuracies):
    """Share of the learning rate: halved when accuracy has not risen by 0.01 for 10 epochs."""
    share, best, waited = 1.0, -np.inf, 0
    for accuracy in accuracies:
        if accuracy > best + PLATEAU["min_delta"]:
            best, waited = accuracy, 0
            continue
        waited += 1
        if waited == PLATEAU["patience"]:
            share, waited = share * PLATEAU["factor"], 0
    return share


def one_cycle(step, steps):
    """Share of the learning rate in ``step`` of ``steps``: a straight rise, then half a cosine."""
    top = WARM_UP * steps
    if step < top:
        return START + (1 - START) * step / top
    return 0.5 * (1 + np.cos(np.pi * (step - top) / (steps - top)))


def decay(ema, step):
    """How much of the average of the weights a step leaves: little at first, ``ema`` later on."""
    return min(ema, (1 + step) / (10 + step))


def make_optimizer(model, own, optimizer, learning_rate):
    """The optimizer asked for, of the compiled network, or of its own recipe; not yet used."""
    if optimizer is None and model.compiled:
        optimizer, loss = model.optimizer, getattr(model.loss, "name", model.loss)
        if loss not in ("sparse_categorical_crossentropy", "categorical_crossentropy"):
            raise ValueError(
                f"Network {model.name!r} is compiled with the loss {loss!r}, but train minimises "
                "cross-entropy. Hand it in uncompiled, or use model.fit with store.stream(…)."
            )
    optimizer = own.make_optimizer() if optimizer is None else keras.optimizers.get(optimizer)
    return fresh(
        optimizer, {} if learning_rate is None else {"learning_rate": float(learning_rate)}
    )


def fresh(optimizer, changes=None):
    """Another optimizer with the same settings, or with changes, and no state."""
    return type(optimizer).from_config(optimizer.get_config() | (changes or {}))


def describe_optimizer(optimizer):
    """Its settings as plain JSON values; the learning rate is None where it is a schedule."""
    config = optimizer.get_config()
    rate = config["learning_rate"]
    if not isinstance(rate, dict):
        del config["learning_rate"]
        rate = float(str(np.float32(rate)))  # 0.0005, not 0.0005000000237
    del config["name"]  # numbered by what else the process has built
    config = {"class": type(optimizer).__name__, **config}
    return {
        "learning_rate": None if isinstance(rate, dict) else rate,
        "optimizer": json.loads(json.dumps(config, default=str)),
    }


def check_settings(settings, store):
    """Refuse values that cannot be, naming argument and value."""
    for name in ("epochs", "batch_size"):
        if settings[name] < 1:
            raise ValueError(f"{name} must be at least 1, not {settings[name]}.")
    rate = settings["learning_rate"]
    if rate is not None and rate <= 0:
        raise ValueError(f"learning_rate must be above 0, not {rate}.")
    if not 0 <= settings["ema"] < 1:
        raise ValueError(f"ema must be at least 0 and below 1, not {settings['ema']}.")
    for name, known in (("schedule", SCHEDULES), ("precision", PRECISIONS)):
        if settings[name] not in known:
            raise ValueError(f"Unknown {name} {settings[name]!r}. Known: {', '.join(known)}.")
    if rate is None and settings["schedule"] != "constant":
        raise ValueError(
            f"The optimizer has a schedule of its own; with schedule={settings['schedule']!r} its "
            "learning_rate must be a number."
        )
    if settings["augment"] != dataclasses.asdict(NOTHING) and len(store.shape) != 2:
        raise ValueError(
            f"Clips of shape {tuple(store.shape)} are no spectrograms (frames, bands), which is "
            "what augment alters. Use augment=Augment()."
        )
