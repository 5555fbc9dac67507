"""Everything the tests make: music, folders of it, pictures, and weight files as published.

Weight files have the same names, layers and shapes, and Keras 2's nesting of HDF5; what it wrote
beside the weights (model and training configuration) is left out, for nothing of it is read. The
convolutions of ``figure3`` are untouched by training, as the published ones are.
"""

from pathlib import Path

import h5py
import numpy as np
import pytest
import soundfile
from matplotlib import colormaps
from PIL import Image

from prcnn import datasets

SHARED = Path(__file__).parents[2] / "shared" / "data"
SOURCES = ["made", *(["published"] if SHARED.is_dir() else [])]

# File → (filters of conv_4, bands that the GRU reads, its units, GRU layers, Keras 2's GRU,
# whether the CNN is joined to the RNN; if not, it was never trained).
FILES = {
    "base-weights.best.h5": (64, 64, 64, 1, True, True),
    "kevin-prcnn-weights.best.h5": (128, 128, 128, 1, False, True),
    "new_withoutcuda_weights.best.h5": (64, 64, 128, 1, False, False),
    "new_attention_weights.best.h5": (64, 64, 128, 1, False, False),
    "kevin-test-weights-stacked.best.h5": (128, 128, 64, 2, False, True),
    "attention_weights.best.h5": (64, 64, 64, 1, False, True),
}


def music(seconds, sr=22050, seed=0):
    """Decaying notes over soft noise, (n,) float32: loud and quiet frames, high and low bands."""
    random = np.random.default_rng(seed)
    y = 1e-2 * random.normal(size=round(seconds * sr))
    t = np.arange(sr) / sr
    for start in range(0, y.size, round(0.4 * sr)):
        note = np.exp(-6 * t) * np.sin(2 * np.pi * 110 * 2 ** random.uniform(0, 5) * t)
        y[start : start + sr] += note[: y.size - start]
    return (y / np.abs(y).max()).astype(np.float32)


def tone(hz, seconds, sr=22050, gain=0.3):
    """A sine, (n,) float32."""
    return (gain * np.sin(2 * np.pi * hz * np.arange(round(seconds * sr)) / sr)).astype(np.float32)


def touch(root, *names):
    """Empty files, and the folders that they lie in."""
    for name in names:
        path = Path(root, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def picture(path, index, colours="viridis", height=128):
    """A picture as it is published, of palette entries (128 mels upwards, time). Returns ``path``.

    In 128 rows as fma_small_images has it, or in 385 as gtzan_images has.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    palette = np.round(colormaps[colours](np.arange(256))[:, :3] * 255).astype(np.uint8)
    rows = ((np.arange(height) + 0.5) * 128 / height).astype(int)
    Image.fromarray(palette[index[rows][::-1]]).save(path)
    return path


def load(*arguments, **options):
    """Load a dataset; also what was warned of, at the line that calls this."""
    with pytest.warns(UserWarning) as caught:
        dataset = datasets.load(*arguments, **options)
    assert all(w.filename == __file__ for w in caught), "a warning should point at the user's line"
    return dataset, " ".join(str(w.message) for w in caught)


def genres(folder, names=("high", "low"), n=6, seconds=1.0, sr=22050, ending="wav"):
    """A folder a genre with ``n`` files of music; no two are alike, and a network can tell genres.

    Genre number g has the notes of :func:`music` and a tone of 300 * 4 ** g Hz. Returns ``folder``.
    """
    for g, name in enumerate(names):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for i in range(n):
            y = 0.3 * music(seconds, sr, seed=1000 * g + i) + tone(300 * 4**g, seconds, sr)
            soundfile.write(folder / name / f"{i}.{ending}", y, sr)
    return folder


def write_clips(folder):
    """Five MP3s where FMA-small has five (of two contents: encoding takes a second), and twenty
    WAVs of two genres of GTZAN."""
    small = folder / "fma" / "fma_small" / "000"
    small.mkdir(parents=True)
    for clip in (2, 5):
        y = 0.1 * np.stack([music(30, 44100, clip), music(30, 44100, clip + 1)], axis=1)
        y[-5000:] *= 30  # the loudest frame is behind those that the authors' networks see
        soundfile.write(small / f"{clip:06d}.mp3", y, 44100)
    for clip in (182, 459, 676):
        (small / f"{clip:06d}.mp3").symlink_to(small / "000005.mp3")
    for i in range(10):
        y, noise = 0.3 * music(30, seed=i), np.random.default_rng(i).normal(size=30 * 22050)
        for genre, loud in (("classical", 0.0), ("metal", 0.1)):
            path = folder / "gtzan_mini" / "genres" / genre / f"{genre}.{i:05d}.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(path, y + loud * noise, 22050)


def write(folder):
    """Write all six files into ``folder``, the same numbers each time."""
    for seed, (name, description) in enumerate(FILES.items()):
        with h5py.File(folder / name, "w") as file:
            _write(file, np.random.default_rng(seed), *description)
    return folder


def _write(file, rng, conv_4, bands, units, layers, keras_2, joined):
    weights, filters = {}, (1, 16, 32, 64, conv_4, 64)
    for i in range(1, 6):
        kernel = _glorot(rng, 3, 1, *filters[i - 1 : i + 1])
        bias = rng.uniform(-0.05, 0.05, filters[i]) * joined
        weights[f"conv_{i}"] = {f"conv_{i}/kernel:0": kernel, f"conv_{i}/bias:0": bias}
    for i in range(layers):
        number = "_1" if keras_2 else f"_{i}" * (i > 0)
        layer, inputs = f"bidirectional{number}", 2 * units if i else bands
        weights[layer] = {}
        for gru in (f"{layer}/forward_gru{number}", f"{layer}/backward_gru{number}"):
            weights[layer] |= {
                f"{gru}/kernel:0": _glorot(rng, inputs, 3 * units),
                f"{gru}/recurrent_kernel:0": _glorot(rng, units, 3 * units),
                f"{gru}/bias:0": rng.uniform(-0.5, 0.5, 3 * units if keras_2 else (2, 3 * units)),
            }
    features = 2 * units + 256 * joined
    weights["preds"] = {
        "preds/kernel:0": _glorot(rng, features, 8),
        "preds/bias:0": rng.uniform(-0.5, 0.5, 8),
    }
    group = file.create_group("model_weights")
    # Layers without weights stand among them, such as Keras 2's Lambda, which must not be run.
    group.attrs["layer_names"] = np.array(["input", "lambda", *weights], "S")
    for layer in ("input", "lambda"):
        group.create_group(layer).attrs["weight_names"] = np.array([], "S")
    for layer, arrays in weights.items():
        part = group.create_group(layer)
        part.attrs["weight_names"] = np.array(list(arrays), "S")
        for name, array in arrays.items():
            part[name] = array.astype("float32")
            trained = joined or not layer.startswith("conv_")
            squares = rng.uniform(1e-6, 1e-3, array.shape) * (1 if trained else 1e-15)
            path = "training/RMSprop/Variable/" + name if keras_2 else "RMSprop/" + name
            path = path.replace(":0", "" if keras_2 else "/rms:0")
            file[f"optimizer_weights/{path}"] = squares.astype("float32")


def _glorot(rng, *shape):
    window = int(np.prod(shape[:-2]))
    limit = np.sqrt(6 / (window * (shape[-2] + shape[-1])))
    return rng.uniform(-limit, limit, shape)
