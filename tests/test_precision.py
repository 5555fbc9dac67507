"""16-bit convolutions: where the processor has units for them, only while training."""

import zipfile

import keras
import numpy as np
import pytest
from test_training import SHAPE, make_store, same

from prcnn import models, training
from prcnn.training import precision

TENSORFLOW = keras.backend.backend() == "tensorflow"


def network():
    x = inputs = keras.Input(SHAPE, name="spectrogram")
    x = keras.layers.Reshape((*SHAPE, 1), name="channel")(x)
    start = keras.initializers.GlorotUniform(0)
    c = keras.layers.Conv2D(4, 3, kernel_initializer=start, name="conv_1")(x)
    c = keras.layers.MaxPooling2D(2, name="pool_1")(c)
    c = keras.layers.Activation("relu", name="relu_1")(c)
    c = keras.layers.Flatten(name="flatten")(c)
    r = keras.layers.MaxPooling2D(2, name="rnn_pool")(x)
    r = keras.layers.Flatten(name="steps")(r)
    x = keras.layers.Concatenate(name="joined")([c, r])
    x = keras.layers.Dense(3, activation="softmax", kernel_initializer=start, name="genre")(x)
    return keras.Model(inputs, x, name="small")


def test_the_processor_decides(tmp_path):
    for flags, expected in (("avx2 amx_bf16", "mixed"), ("avx512_bf16\n", "mixed"), ("avx2", None)):
        (tmp_path / "cpuinfo").write_text(f"processor : 0\nflags : fpu {flags}\n")
        decided = precision.decide("auto", tmp_path / "cpuinfo")
        assert decided == (expected if TENSORFLOW and expected else "float32")
        assert precision.decide("mixed", tmp_path / "cpuinfo") == "mixed"
    assert precision.decide("auto", tmp_path / "absent") == "float32"


@pytest.mark.parametrize("name", ["paper", "beyond"])
def test_what_comes_from_convolutions_alone_is_in_16_bits(name):
    copy = precision.sixteen_bits(models.build(name, input_shape=(64, 64)))
    sixteen = {layer.name for layer in copy.layers if layer.compute_dtype == "bfloat16"}
    assert {"conv_1", "conv_5", "pool_5"} <= sixteen
    assert not {"rnn_pool", "gru", "joined", "genre", "scale"} & sixteen
    assert {weight.dtype for weight in copy.trainable_weights} == {"float32"}
    assert ("norm_1" in sixteen and "relu_1" in sixteen) == (name == "beyond")


def test_only_the_step_of_training_is_in_16_bits(tmp_path):
    store, seen = make_store(tmp_path), []

    class Watch(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append(self.model.get_layer("conv_1").compute_dtype)

    def train(name, epochs, asked, **options):
        options |= {"recipe": training.Recipe(batch_size=12), "progress": False}
        return training.train(
            network(), store, epochs, out=tmp_path / name, precision=asked, **options
        )

    run = train("mixed", 2, "mixed", callbacks=Watch())
    assert seen == ["bfloat16"] * 6
    assert all(layer.dtype_policy.name == "float32" for layer in run.model.layers)
    kept = zipfile.ZipFile(tmp_path / "mixed" / "model.keras").read("config.json")
    assert b"bfloat16" not in kept and run.record["precision"] == "mixed"
    X, y = store.arrays("validation")
    rows = run.model.predict(X, verbose=0)
    loss = -np.log(rows[np.arange(len(y)), y]).mean()
    assert run.record["best"]["val_loss"] == pytest.approx(loss, rel=1e-4)
    runs = [train("parts", 1, "mixed"), train("parts", 2, "auto"), train("float32", 1, "float32")]
    assert same(run, runs[1]), "auto goes on as the run began"
    first = [each.history.loc[1, "loss"] for each in runs]
    assert first[0] != first[2] and first[0] == pytest.approx(first[2], rel=0.05)
    with pytest.raises(ValueError, match=r"precision \(mixed, now float32\)"):
        train("parts", 2, "float32")
