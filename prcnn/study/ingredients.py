"""What each ingredient of ``beyond`` is worth: network and recipe with one of them left out.

Two commands, which go on where they were stopped: five seeds of the whole, and every row::

    python -c "from prcnn.study import ingredients as i; i.seeds('~/data', 'runs/beyond')"
    python -c "from prcnn.study import ingredients as i; i.study('~/data', 'runs/beyond')"

Chapter: book/beyond.ipynb
"""

import dataclasses

from prcnn.study import ablations, results
from prcnn.study.ablations import Row
from prcnn.study.fma_small import by_uploads
from prcnn.study.questions import Question
from prcnn.training import RECIPES, Augment

RESULT, SEEDS = "ingredients_fma_small_images", "beyond_fma_small_images"


def _recipe(**changes):
    return {"recipe": dataclasses.replace(RECIPES["beyond"], **changes)}


def _augment(**changes):
    return _recipe(augment=dataclasses.replace(RECIPES["beyond"].augment, **changes))


WHOLE = "beyond"
#: Each row leaves out what its name says, and nothing else.
ROWS = {
    WHOLE: Row("whole", "beyond"),
    "no RNN branch": Row("branches", "beyond", {"rnn": False}),
    "no CNN branch": Row("branches", "beyond", {"cnn": False}),
    "bands not standardised": Row("input", "beyond", {"scale": "none"}),
    "no masks": Row("alterations", "beyond", recipe=_augment(frequency_masks=0, time_masks=0)),
    "no mixup": Row("alterations", "beyond", recipe=_augment(mixup=0.0)),
    "no shifts, gain or tilt": Row(
        "alterations", "beyond", recipe=_augment(time_shift=False, band_shift=0, gain=0.0, tilt=0.0)
    ),
    "clips as they are": Row("alterations", "beyond", recipe=_recipe(augment=Augment())),
    "no average of weights": Row("training", "beyond", recipe=_recipe(ema=0.0)),
    "constant learning rate": Row("training", "beyond", recipe=_recipe(schedule="constant")),
}
QUESTIONS = {"What is it worth?": Question(WHOLE, [row for row in ROWS if row != WHOLE])}


def study(data_home=None, out="runs/beyond", *, seeds=range(3), epochs=10, folder=None, **others):
    """Train every row of :data:`ROWS` on FMA-small's pictures, all for one cycle of epochs.

    Finished runs in ``out`` are not repeated; ``others`` are :func:`prcnn.study.ablations.sweep`'s
    ``rows``, ``n_jobs``, ``dataset`` … The result goes to ``folder``, see
    :func:`prcnn.study.results.write`, whose path is returned: ``validation`` and ``test``, each as
    :func:`prcnn.study.ablations.collect` makes it, with uploads as groups.
    """
    asked = {"rows": ROWS, "seeds": seeds, "epochs": epochs, **others}
    return _study(RESULT, out, data_home, folder, asked)


def seeds(data_home=None, out="runs/beyond", *, seeds=range(5), epochs=20, folder=None, **others):
    """Train ``beyond`` with five seeds; :func:`prcnn.study.shipping.ship` takes the best of them.

    All as for :func:`study`; the result is ``beyond_fma_small_images.json``.
    """
    asked = {"rows": {WHOLE: ROWS[WHOLE]}, "seeds": seeds, "epochs": epochs, **others}
    return _study(SEEDS, out, data_home, folder, asked)


def _study(name, out, data_home, folder, asked):
    runs = ablations.sweep(out, **{"dataset": "fma_small_images", "data_home": data_home} | asked)
    record = {split: by_uploads(ablations.collect(runs, split)) for split in ("validation", "test")}
    return results.write(name, record, folder)
