"""Every network has the published sizes, obeys its options, and survives saving."""

import json
import random

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prcnn import models

PARAMETERS = {
    "paper": 110_120,
    "dwivedi": 85_160,
    "figure2": 259_432,
    "figure3": 183_592,
    "figure4": 232_744,
    "stacked": 209_256,
    "dwivedi_retrained": 85_544,
    "cnn5": 34_600,
    "cnn3": 646_824,  # its dense layer alone has 638,984
    "rnn": 75_528,
    "rnn2": 150_024,
    "prcnn_rnn2": 184_616,
    "prcnn_features": 110_120 + 3 * 128 * 8,
    "feng": 292_328,  # not published; a change of ours must be meant
    "crnn": 133_184,  # and 336 means and variances of its normalisations: 133,520
    "attention_serial": 83_848,  # these three are ours
    "attention_linear": 75_656,
    "attention_cnn": 108_136,
    "beyond": 513_416,
    "vgg8": 295_768,
}
WITH_MOMENTS = {"crnn": 133_520, "beyond": 515_400, "vgg8": 296_728}

# Figure 4 as printed: output shapes without the batch, and parameters.
FIGURE4_CNN = (
    "(640, 128, 1) 0; (638, 128, 16) 64; (319, 64, 16) 0; (317, 64, 32) 1568; (158, 32, 32) 0; "
    "(156, 32, 64) 6208; (78, 16, 64) 0; (76, 16, 64) 12352; (19, 4, 64) 0; (17, 4, 64) 12352; "
    "(4, 1, 64) 0; (256,) 0; (256,) 0; (256, 256) 0; (256, 256) 0; (256, 256) 0; (256,) 0; "
    "(8,) 2056"
)
FIGURE4_RNN = "(640, 128, 1) 0; (320, 128, 1) 0; (320, 128) 0; (256,) 198144"


@pytest.fixture(scope="module")
def networks():
    assert models.names() == list(PARAMETERS)
    return {name: models.build(name) for name in models.names()}


@pytest.mark.parametrize("name", PARAMETERS)
def test_parameters_and_shapes(name, networks):
    model, summary = networks[name], models.layer_summary(networks[name])
    assert models.trainable_parameters(model) == summary["parameters"].sum() == PARAMETERS[name]
    assert list(summary.index[:3]) == ["spectrogram", "scale", "channel"]
    plain = models.build(name, scale="none")
    assert plain.count_params() == WITH_MOMENTS.get(name, PARAMETERS[name])
    assert model.input_shape == (None, *models.NETWORKS[name].input_shape)
    assert model.output_shape == (None, 8)
    assert models.build(name, 10, input_shape=(64, 64)).output_shape == (None, 10)


@pytest.mark.parametrize("name", PARAMETERS)
def test_saved_and_loaded(name, networks, tmp_path):
    model = networks[name]
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert json.loads(loaded.to_json()) == json.loads(model.to_json())
    for a, b in zip(model.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_figure4_line_by_line(networks):
    table = models.layer_summary(networks["figure4"])

    def path_from(layer):
        """The lines (shape, parameters) from a layer back to the spectrogram's channel."""
        lines = []
        while layer != "scale":
            lines.append(f"{table.loc[layer, 'output']} {table.loc[layer, 'parameters']}")
            layer = table.loc[layer, "reads"].split(", ")[0]
        return "; ".join(lines[::-1])

    assert path_from("genre") == FIGURE4_CNN
    assert path_from("gru") == FIGURE4_RNN
    assert table.loc["multiply", "reads"] == "permute, gru"
    types = "Activation RepeatVector Permute Bidirectional Multiply Dense"
    named = table["type"][["softmax", "repeat", "permute", "gru", "multiply", "genre"]]
    assert " ".join(named) == types


def test_same_seed_same_weights_and_random_left_alone():
    random.seed(7)
    expected = random.random()
    random.seed(7)
    first, again = models.build("paper"), models.build("paper")
    assert random.random() == expected
    other, drawn = models.build("paper", seed=1), models.build("paper", seed=None)
    for a, b, c, d in zip(*(m.get_weights() for m in (first, again, other, drawn)), strict=True):
        np.testing.assert_array_equal(a, b)
        if a.any() and not (a == 1).all():  # neither bias nor scale
            assert not np.array_equal(a, c) and not np.array_equal(a, d)
    # Runs that others trained rest on these very numbers.
    kernel, recurrent = first.get_layer("conv_1").kernel, first.get_layer("gru").get_weights()[1]
    np.testing.assert_allclose(
        kernel[:, 0, 0, 0], [0.01075938, -0.01019129, -0.21696891], atol=1e-7
    )
    np.testing.assert_allclose(recurrent[0, :3], [0.0225109, -0.0226902, -0.1606315], atol=1e-6)


def test_scale_standardises_bands_however_its_weights_came(tmp_path):
    rng = np.random.default_rng(6)
    X = rng.normal(-40, 9, (5, 64, 16)).astype("float32") + np.arange(16, dtype="float32")
    X[..., 3] = -80  # a band that never moves
    model = models.build("rnn", input_shape=(64, 16), units=4)
    np.testing.assert_allclose(models.outputs(model, X, "scale"), X, rtol=1e-6)  # until adapted
    plain = models.build("rnn", input_shape=(64, 16), units=4, scale="none")
    np.testing.assert_allclose(model.predict(X, verbose=0), plain.predict(X, verbose=0), atol=1e-5)

    model.get_layer("scale").adapt(X[i : i + 2] for i in (0, 2, 4))
    deviation = X.std((0, 1), dtype=float)
    expected = (X - X.mean((0, 1), dtype=float)) / np.where(deviation > 0, deviation, 1)
    np.testing.assert_allclose(models.outputs(model, X, "scale"), expected, atol=2e-4)
    standardised = plain.predict(expected.astype("float32"), verbose=0)
    np.testing.assert_allclose(model.predict(X, verbose=0), standardised, atol=1e-5)

    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded.predict(X, verbose=0), standardised, atol=1e-5)
    other = models.build("rnn", input_shape=(64, 16), units=4, seed=1)
    other.predict(X, verbose=0)  # compiled before the weights come
    other.set_weights(model.get_weights())
    np.testing.assert_allclose(other.predict(X, verbose=0), standardised, atol=1e-5)


def test_scale_computes_in_32_bits():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        assert models.branches.Scale().compute_dtype == "float32"
    finally:
        keras.config.set_dtype_policy("float32")


@pytest.mark.parametrize(
    ("name", "change", "says"),
    [
        ("paper", {"unit": 3}, "no option 'unit'. Its options: activation, .*units"),
        ("cnn5", {"units": 3}, "Network 'cnn5' has no option 'units'. Its options: activation"),
        ("paper", {"pools": (4, 4)}, "pools use up the input: use smaller ones"),
        ("paper", {"pools": ((2, 8),) * 5}, r"pools=\(.*pools use up the input"),
        ("paper", {"kernel_size": (3, 200)}, "kernels and pools use up the input"),
        ("paper", {"rnn_pool": (2, 200)}, r"rnn_pool=\(2, 200\).*zero or negative"),
        ("paper", {"filters": (8, 8)}, "2 filters, 5 pools: give one for each"),
        ("paper", {"units": 0}, "units=0: .*positive integer"),
        ("rnn", {"rnn_layers": 0}, "rnn_layers=0: .*one layer or more"),
        ("paper", {"rnn_layers": 1.5}, "rnn_layers=1.5: "),
        ("paper", {"dropout": "0.5"}, "dropout='0.5': "),
        ("paper", {"activation": "rulu"}, "activation.*rulu"),
        ("paper", {"recurrent_activation": "hard_sigmoid"}, "one of sigmoid, old_hard_sigmoid"),
        ("paper", {"input_shape": (640, 128, 1)}, "must be a pair"),
        ("paper", {"input_shape": 640}, "input_shape=640.* must be a pair"),
        ("paper", {"states": "sum"}, "states must be 'last', 'mean'"),
        ("rnn", {"states": "all"}, "is for attention alone"),
        ("paper", {"n_genres": 1}, "n_genres=1: there must be two"),
        ("paper", {"scale": "mel"}, "scale='mel' must be 'bands' or 'none'"),
        ("paper", {"seed": -1.5}, "seed=-1.5 must be a whole number from 0 on"),
        ("paper", {"seed": -1}, "seed=-1 must be a whole number from 0 on"),
        ("crnn", {"n_blocks": 8}, "n_blocks=8: .*zero or negative"),
        ("attention_cnn", {"pools": (2, 2)}, r"CNN ends with 20 time steps.* \(320, 128\)"),
        ("beyond", {"cnn": False, "rnn": False}, "nothing is left"),
        ("papr", {}, r"'papr'. Known networks: paper, dwivedi, .*attention_cnn"),
    ],
)
def test_impossible_changes_say_why(name, change, says):
    with pytest.raises(ValueError, match=f"(?s){says}"):
        models.build(name, **change)


size = st.integers(1, 4)


@settings(max_examples=30, deadline=None)
@given(
    filters=st.lists(st.integers(1, 6), min_size=1, max_size=5),
    pools=st.lists(st.tuples(size, size), min_size=1, max_size=5),
    kernel_size=st.tuples(size, size),
    rnn_pool=st.tuples(size, size),
    input_shape=st.tuples(st.integers(1, 60), st.integers(1, 40)),
    padding=st.sampled_from(["valid", "same"]),
    rnn_layers=st.integers(1, 2),
)
def test_any_change_works_or_is_refused(**changes):
    """Never a model of another shape, never another error."""
    try:
        model = models.build("paper", n_genres=3, **changes)
    except ValueError as error:
        assert str(error).startswith("Network 'paper' with input_shape=")
        assert any(said in str(error) for said in ("use up", "give one for each", "output size"))
        return
    assert model.input_shape[1:] == changes["input_shape"]
    assert model.output_shape == (None, 3)
    kernels = [layer for layer in model.layers if layer.name.startswith("conv_")]
    assert [layer.filters for layer in kernels] == changes["filters"]
    pools = [model.get_layer(f"pool_{i}").pool_size for i in range(1, len(kernels) + 1)]
    assert pools == changes["pools"]


def test_pools_for_pictures_of_128_frames():
    model = models.build("paper", input_shape=(128, 128))
    pools = [model.get_layer(f"pool_{i}").pool_size for i in range(1, 6)]
    assert pools == [(2, 2)] * 3 + [(2, 4)] * 2
    assert model.get_layer("rnn_pool").pool_size == (1, 1)
    assert models.build("paper", input_shape=(256, 128)).get_layer("gru").input.shape[1] == 128
    named = models.build("paper", input_shape=(128, 128), rnn_pool=(2, 1))
    assert named.get_layer("rnn_pool").pool_size == (2, 1)
    scores = models.build("attention_cnn", rnn_pool=(4, 1)).get_layer("attention").output
    assert scores.shape == (None, 160, 1)


def test_statistics_are_those_of_numpy():
    x = np.random.default_rng(0).normal(size=(2, 9, 4, 1)).astype("float32")
    got = keras.ops.convert_to_numpy(models.branches.Statistics()(x))
    bands = x[..., 0].astype("float64")
    wanted = [bands.mean(axis=1), bands.std(axis=1), np.diff(bands, axis=1).std(axis=1)]
    np.testing.assert_allclose(got, np.concatenate(wanted, axis=1), atol=1e-5)


def test_receptive_field_is_what_a_value_depends_on():
    model = models.build("cnn5")
    rng = np.random.default_rng(0)
    for layer in ("pool_2", "pool_3", "conv_4"):
        frames, bands, frame_step, band_step = models.receptive_field(model).loc[layer]
        X = rng.normal(size=(1, 640, 128)).astype("float32").repeat(4, 0)
        first = (3 * frame_step, 2 * band_step)
        seen = np.zeros((640, 128), bool)
        seen[first[0] : first[0] + frames, first[1] : first[1] + bands] = True
        X[1, ~seen] += 10.0
        X[2, first[0], first[1]] += 50.0  # the corners of what is seen, one at a time
        X[3, first[0] + frames - 1, first[1] + bands - 1] += 50.0
        value = models.outputs(model, X, layer)[:, 3, 2]
        np.testing.assert_allclose(value[0], value[1], atol=1e-5)
        assert (np.abs(value[2:] - value[0]).max(axis=1) > 1e-3).all()
    with pytest.raises(ValueError, match="no layers conv_1"):
        models.receptive_field(models.build("rnn"))
    with pytest.raises(ValueError, match=r"layer: conv_9. Existing layers .*conv_5"):
        models.outputs(model, X, "conv_9")


def test_state_influence_of_the_last_moments_on_an_untrained_gru():
    model = models.build("rnn", units=8, input_shape=(128, 16))
    X = np.random.default_rng(5).normal(size=(3, 128, 16)).astype("float32")
    table = models.state_influence(model, X, window=32)
    assert list(table.index) == [0, 32, 64, 96] and table.index.name == "frame"
    assert table.forward.idxmax() == 96 and table.backward.idxmax() == 0
    swapped = X.copy()
    swapped[:, 96:] = np.roll(X, 1, axis=0)[:, 96:]
    change = models.outputs(model, swapped, "gru") - models.outputs(model, X, "gru")
    expected = np.linalg.norm(change[:, :8], axis=1).mean()
    assert table.forward[96] == pytest.approx(expected, rel=1e-5)
    with pytest.raises(ValueError, match="at least two"):
        models.state_influence(model, X[:1])
    for window in (0, 129):
        with pytest.raises(ValueError, match=f"window={window} frames: clips have 128"):
            models.state_influence(model, X, window)
    with pytest.raises(ValueError, match="no GRU that hands its last state on"):
        models.state_influence(models.build("cnn5", input_shape=(128, 16)), X)


def test_beyond_has_two_branches():
    for without, features in (
        ({}, 288 + 96),
        ({"rnn": False}, 288),
        ({"cnn": False}, 96),
        ({"statistics": 7}, 288 + 96 + 7),
    ):
        model = models.build("beyond", n_genres=5, input_shape=(64, 64), **without)
        assert model.get_layer("balance").output.shape == (None, features)
    X = np.random.default_rng(0).normal(-40, 9, (2, 64, 64)).astype("float32")
    np.testing.assert_allclose(models.attention_weights(model, X).sum(axis=1), 1, rtol=1e-5)


def test_vgg8_joins_mean_and_maximum_of_eight_convolutions():
    X = np.random.default_rng(0).normal(-40, 9, (2, 64, 64)).astype("float32")
    model = models.build("vgg8", input_shape=(64, 64))
    assert sum(layer.name.startswith("conv_") for layer in model.layers) == 8
    maps = models.outputs(model, X, "pool_8")
    assert maps.shape == (2, 4, 4, 128)
    wanted = np.concatenate([maps.mean(axis=(1, 2)), maps.max(axis=(1, 2))], axis=1)
    np.testing.assert_allclose(models.outputs(model, X, "joined"), wanted, rtol=1e-5)
    assert models.receptive_field(model).loc["pool_8", "frames"] == 76


def test_one_direction_and_the_mean_of_all_states():
    X = np.random.default_rng(10).normal(size=(2, 64, 16)).astype("float32")
    shape = {"input_shape": (64, 16), "units": 5}
    both = models.build("rnn", **shape)
    forward = models.build("rnn", bidirectional=False, **shape)
    forward.get_layer("gru").set_weights(both.get_layer("gru").get_weights()[:3])
    last = models.outputs(both, X, "gru")[:, :5]
    np.testing.assert_allclose(models.outputs(forward, X, "gru"), last, atol=1e-6)
    assert list(models.state_influence(forward, X).columns) == ["forward"]

    mean = models.build("rnn", states="mean", dropout=0.5, **shape)
    mean.get_layer("gru").set_weights(both.get_layer("gru").get_weights())
    states = models.outputs(mean, X, "gru")
    np.testing.assert_allclose(states[:, -1, :5], last, atol=1e-6)
    found = models.outputs(mean, X, "mean_of_states")
    np.testing.assert_allclose(found, states.mean(axis=1), atol=1e-6)
    assert models.layer_summary(mean).loc["dropout_rnn", "reads"] == "mean_of_states"


@pytest.mark.parametrize("kernel_size, told", [((3, 1), 0), ((1, 1), 0), ((3, 3), 1), ((5, 5), 1)])
def test_only_a_kernel_that_compares_bands_tells_a_clip_from_itself_upside_down(kernel_size, told):
    X = np.random.default_rng(0).normal(-20, 10, (1, 640, 128)).astype("float32")
    network = models.build("cnn5", kernel_size=kernel_size, padding="same")
    features = models.outputs(network, np.concatenate([X, X[:, :, ::-1]]), "flatten")
    change = np.abs(features[0] - features[1]).max() / np.abs(features).max()
    assert change > 1e-3 if told else change < 1e-6
