"""Every network has the published sizes, obeys its options, and survives saving."""

import json
import random

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prcnn import models
from prcnn.models.beyond import FusedBatchNormalization

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
}

# Figure 4 as printed: output shapes without the batch, and parameters.
FIGURE4_CNN = """
(640, 128, 1) 0
(638, 128, 16) 64
(319, 64, 16) 0
(317, 64, 32) 1568
(158, 32, 32) 0
(156, 32, 64) 6208
(78, 16, 64) 0
(76, 16, 64) 12352
(19, 4, 64) 0
(17, 4, 64) 12352
(4, 1, 64) 0
(256,) 0
(256,) 0
(256, 256) 0
(256, 256) 0
(256, 256) 0
(256,) 0
(8,) 2056
""".strip().splitlines()
FIGURE4_RNN = """
(640, 128, 1) 0
(320, 128, 1) 0
(320, 128) 0
(256,) 198144
(256, 256) 0
""".strip().splitlines()


@pytest.fixture(scope="module")
def networks():
    return {name: models.build(name) for name in models.names()}


def test_names_are_those_of_the_project():
    assert models.names() == list(PARAMETERS)


@pytest.mark.parametrize("name", PARAMETERS)
def test_parameters_and_shapes(name, networks):
    model = networks[name]
    assert models.trainable_parameters(model) == PARAMETERS[name]
    assert models.layer_summary(model)["parameters"].sum() == PARAMETERS[name]
    assert list(models.layer_summary(model).index[:3]) == ["spectrogram", "scale", "channel"]
    plain = models.build(name, scale="none")
    published = {"crnn": 133_520, "beyond": 515_400}.get(name, PARAMETERS[name])
    assert plain.count_params() == published
    assert model.input_shape == (None, *(models.NETWORKS[name].input_shape))
    assert model.output_shape == (None, 8)
    assert models.build(name, n_genres=10).output_shape == (None, 10)


def path_from(model, layer):
    """The lines (shape, parameters) from a layer back to the spectrogram's channel."""
    table, lines = models.layer_summary(model), []
    while layer != "scale":
        row = table.loc[layer]
        lines.append(f"{row['output']} {row['parameters']}")
        layer = row["reads"].split(", ")[0]
    return lines[::-1]


def test_figure4_line_by_line(networks):
    model = networks["figure4"]
    assert path_from(model, "genre") == FIGURE4_CNN
    assert models.layer_summary(model).loc["multiply", "reads"] == "permute, gru"
    assert [*path_from(model, "gru"), FIGURE4_RNN[-1]] == FIGURE4_RNN
    types = models.layer_summary(model)["type"]
    assert list(types[["softmax", "repeat", "permute", "gru", "multiply", "genre"]]) == [
        "Activation",
        "RepeatVector",
        "Permute",
        "Bidirectional",
        "Multiply",
        "Dense",
    ]


def test_cnn3_has_both_readings(networks):
    assert networks["cnn3"].get_layer("genre").count_params() == 638_984
    other = models.build("cnn3", pools=((2, 2), (4, 4), (4, 4)))
    assert other.get_layer("genre").count_params() == 38_920


def test_joined_features(networks):
    for name, features in {"paper": 384, "figure2": 512, "stacked": 384, "feng": 512}.items():
        assert networks[name].get_layer("joined").output.shape == (None, features)


def test_same_seed_same_weights_and_random_left_alone():
    random.seed(7)
    expected = random.random()
    random.seed(7)
    first, again = models.build("paper"), models.build("paper")
    assert random.random() == expected
    other, drawn = models.build("paper", seed=1), models.build("paper", seed=None)
    drawings = (m.trainable_variables for m in (first, again, other, drawn))
    for four in zip(*drawings, strict=True):
        a, b, c, d = map(keras.ops.convert_to_numpy, four)
        np.testing.assert_array_equal(a, b)
        if a.any():  # biases start at zero
            assert not np.array_equal(a, c) and not np.array_equal(a, d)
    forward, backward = first.get_layer("gru").get_weights()[0::3]
    assert not np.array_equal(forward, backward)


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

    other = models.build("rnn", input_shape=(64, 16), units=4, seed=1)
    other.predict(X, verbose=0)  # compiled before the weights come
    other.set_weights(model.get_weights())
    model.save(tmp_path / "model.keras")
    model.save_weights(tmp_path / "model.weights.h5")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    third = models.build("rnn", input_shape=(64, 16), units=4, seed=2)
    third.load_weights(tmp_path / "model.weights.h5")
    for copy in (other, loaded, third):
        np.testing.assert_allclose(copy.predict(X, verbose=0), standardised, atol=1e-5)


def test_scale_computes_in_32_bits():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = models.build("rnn", input_shape=(64, 16), units=4)
        X = np.random.default_rng(7).normal(-40, 9, (2, 64, 16)).astype("float32")
        np.testing.assert_allclose(models.outputs(model, X, "scale"), X, rtol=1e-6)
        assert model.get_layer("gru").compute_dtype == "bfloat16"
    finally:
        keras.config.set_dtype_policy("float32")


@pytest.mark.parametrize("name", PARAMETERS)
def test_saved_and_loaded(name, networks, tmp_path):
    model = networks[name]
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert json.loads(loaded.to_json()) == json.loads(model.to_json())
    for a, b in zip(model.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"unit": 3}, "no option 'unit'. Its options: activation, .*units"),
        ({"pools": (4, 4)}, "pool_4 .*uses up the mel axis, of which 2 are left"),
        ({"input_shape": (8, 128)}, "uses up the time axis"),
        ({"kernel_size": (3, 200)}, "conv_1 uses up the mel axis"),
        ({"rnn_pool": (2, 200)}, "rnn_pool=.*mel axis"),
        ({"filters": (8, 8)}, "2 layers, but pools=.* are 5"),
        ({"cnn_layers": 6}, "there are 5 filters and 5 pools"),
        ({"filters": 16}, "filters=16: must be a list"),
        ({"units": 0}, "units=0: must be a whole number of at least 1"),
        ({"units": True}, "units=True"),
        ({"rnn_layers": 1.5}, "rnn_layers=1.5"),
        ({"dropout": -0.1}, "Network 'paper': .*`rate`.*-0.1"),
        ({"dropout": "0.5"}, "dropout='0.5': must be a number"),
        ({"dropout": float("nan")}, "`rate`.*nan"),
        ({"activation": "rulu"}, "Network 'paper': .*activation.*rulu"),
        ({"activation": None}, "activation=None: must be the name of one, such as 'relu'"),
        ({"padding": "full"}, "Network 'paper': .*padding.*valid.*full"),
        ({"recurrent_activation": "hard_sigmoid"}, "one of 'sigmoid', 'old_hard_sigmoid'"),
        ({"input_shape": (640, 128, 1)}, "input_shape=.*pair of whole numbers"),
        ({"input_shape": 640}, "input_shape=640: must be a pair"),
        ({"states": "all"}, "states='all': must be one of 'last', 'mean'"),
        ({"bidirectional": 1}, "bidirectional=1: must be True or False"),
        ({"n_genres": 1}, "n_genres=1: must be a whole number of at least 2"),
        ({"scale": "mel"}, "scale='mel': must be one of 'bands', 'none'"),
        ({"seed": -1.5}, "seed=-1.5: must be a whole number"),
    ],
)
def test_impossible_changes_say_why(change, says):
    with pytest.raises(ValueError, match=says):
        models.build("paper", **change)


def test_unknown_network_lists_the_known():
    with pytest.raises(
        ValueError, match=r"'papr'. Known networks: paper, dwivedi, .*attention_cnn"
    ):
        models.build("papr")


def test_statistics_are_those_of_numpy():
    x = np.random.default_rng(0).normal(size=(2, 9, 4, 1)).astype("float32")
    got = keras.ops.convert_to_numpy(models.branches.Statistics()(x))
    bands = x[..., 0].astype("float64")
    change = np.diff(bands, axis=1)
    wanted = [bands.mean(axis=1), bands.std(axis=1), change.std(axis=1)]
    np.testing.assert_allclose(got, np.concatenate(wanted, axis=1), atol=1e-5)


def test_attention_cnn_keeps_its_steps():
    with pytest.raises(ValueError, match=r"CNN ends with 20 time steps.* GRU 320"):
        models.build("attention_cnn", pools=(2, 2))


def test_crnn_refuses_too_many_blocks():
    with pytest.raises(ValueError, match="n_blocks: block 8 uses up the time axis"):
        models.build("crnn", n_blocks=8)


sizes = st.integers(1, 4)


@settings(max_examples=40, deadline=None)
@given(
    filters=st.lists(st.integers(1, 6), min_size=1, max_size=5),
    pools=st.lists(st.tuples(sizes, sizes), min_size=1, max_size=5),
    kernel_size=st.tuples(sizes, sizes),
    rnn_pool=st.tuples(sizes, sizes),
    input_shape=st.tuples(st.integers(1, 60), st.integers(1, 40)),
    padding=st.sampled_from(["valid", "same"]),
    units=st.integers(1, 5),
    rnn_layers=st.integers(1, 2),
    dropout=st.sampled_from([0.0, 0.3]),
)
def test_any_change_works_or_is_refused_by_us(**changes):
    """Never a model of another shape, never an error from within Keras."""
    try:
        model = models.build("paper", n_genres=3, **changes)
    except ValueError as error:
        assert str(error).startswith("Network 'paper': ")
        assert "uses up" in str(error) or "one pool for each" in str(error)
        return
    assert model.input_shape[1:] == changes["input_shape"]
    assert model.output_shape == (None, 3)
    kernels = [layer for layer in model.layers if layer.name.startswith("conv_")]
    assert [layer.filters for layer in kernels] == changes["filters"]
    assert model.get_layer("joined").output.shape[1] == (
        model.get_layer("flatten").output.shape[1] + 2 * changes["units"]
    )


def test_receptive_field_is_what_a_value_depends_on():
    model = models.build("cnn5")
    rng = np.random.default_rng(0)
    for layer in ("pool_2", "pool_3", "conv_4"):
        frames, bands, frame_step, band_step = models.receptive_field(model).loc[layer]
        X = rng.normal(size=(1, 640, 128)).astype("float32").repeat(2, 0)
        first = (3 * frame_step, 2 * band_step)
        seen = np.zeros((640, 128), bool)
        seen[first[0] : first[0] + frames, first[1] : first[1] + bands] = True
        X[1, ~seen] += 10.0
        same = models.outputs(model, X, layer)[:, 3, 2]
        np.testing.assert_allclose(same[0], same[1], atol=1e-5)
        inside = X[:1].repeat(3, 0)  # now the corners of what is seen, one at a time
        inside[1, first[0], first[1]] += 50.0
        inside[2, first[0] + frames - 1, first[1] + bands - 1] += 50.0
        changed = models.outputs(model, inside, layer)[:, 3, 2]
        assert (np.abs(changed[1:] - changed[0]).max(axis=1) > 1e-3).all()


def test_looking_into_a_network_names_its_layers(networks):
    X = np.zeros((1, 640, 128), "float32")
    with pytest.raises(ValueError, match=r"no layer 'conv_9'. Its layers: .*conv_5"):
        models.outputs(networks["cnn5"], X, "conv_9")
    with pytest.raises(ValueError, match="no layers conv_1"):
        models.receptive_field(networks["rnn"])


def test_cnn_cannot_tell_bass_from_treble():
    """Kernels (3, 1) never mix bands, and the pools end in one band: upside down is the same."""
    X = np.random.default_rng(4).normal(-9, 5, (2, 640, 128)).astype("float32")
    upside_down = X[:, :, ::-1].copy()
    for kernel_size, same in (((3, 1), True), ((3, 3), False)):
        model = models.build("cnn5", kernel_size=kernel_size, padding="same")
        change = models.outputs(model, np.concatenate([X, upside_down]), "flatten")
        assert (np.abs(change[:2] - change[2:]).max() < 1e-4) == same


def test_influence_of_the_last_moments_on_an_untrained_gru():
    model = models.build("rnn", units=8, input_shape=(128, 16))
    X = np.random.default_rng(5).normal(size=(3, 128, 16)).astype("float32")
    table = models.influence(model, X, window=32)
    assert list(table.index) == [0, 32, 64, 96]
    assert table.forward.idxmax() == 96 and table.backward.idxmax() == 0
    swapped = X.copy()
    swapped[:, 96:] = np.roll(X, 1, axis=0)[:, 96:]
    change = models.outputs(model, swapped, "gru") - models.outputs(model, X, "gru")
    expected = np.linalg.norm(change[:, :8], axis=1).mean()
    assert table.forward[96] == pytest.approx(expected, rel=1e-5)
    with pytest.raises(ValueError, match="at least two clips"):
        models.influence(model, X[:1])


@pytest.mark.parametrize("name", models.names())
@pytest.mark.parametrize("shape", [(128, 128), (640, 128), (64, 64)])
def test_every_network_fits_short_spectrograms(name, shape):
    model = models.build(name, input_shape=shape)
    assert model.output_shape == (None, 8)
    if shape == (640, 128) == models.NETWORKS[name].input_shape:  # the paper's pools stay
        assert models.layer_summary(model).equals(models.layer_summary(models.build(name)))


def test_pools_for_pictures_of_128_frames():
    model = models.build("paper", input_shape=(128, 128))
    pools = [model.get_layer(f"pool_{i}").pool_size for i in range(1, 6)]
    assert pools == [(2, 2)] * 3 + [(2, 4)] * 2
    assert model.get_layer("rnn_pool").pool_size == (1, 1)
    assert models.build("paper", input_shape=(256, 128)).get_layer("gru").input.shape[1] == 128
    named = models.build("paper", input_shape=(128, 128), rnn_pool=(2, 1))
    assert named.get_layer("rnn_pool").pool_size == (2, 1)
    with pytest.raises(ValueError, match="pools"):
        models.build("paper", input_shape=(128, 128), pools=((2, 2),) * 3 + ((4, 4),) * 2)


def test_beyond_has_two_branches_and_under_600000_parameters():
    model = models.build("beyond", n_genres=5, input_shape=(64, 64))
    assert models.build("beyond").count_params() < 600_000
    assert model.get_layer("joined").output.shape == (None, 2 * 144 + 2 * 48)
    assert models.build("beyond", rnn=False).get_layer("balance").output.shape == (None, 288)
    assert models.build("beyond", cnn=False).get_layer("balance").output.shape == (None, 96)
    with pytest.raises(ValueError, match="nothing is left"):
        models.build("beyond", cnn=False, rnn=False)
    X = np.random.default_rng(0).normal(-40, 9, (2, 128, 128)).astype("float32")
    weights = models.attention_weights(models.build("beyond"), X)
    np.testing.assert_allclose(weights.sum(axis=1), 1, rtol=1e-5)


def test_fused_batch_normalisation_is_batch_normalisation():
    rng = np.random.default_rng(1)
    X = rng.normal(3, 2, (8, 6, 5, 4)).astype("float32")
    target = rng.normal(size=X.shape).astype("float32")
    after = []
    for kind in (keras.layers.BatchNormalization, FusedBatchNormalization):
        layer = kind(momentum=0.9)
        model = keras.Sequential([keras.Input(X.shape[1:]), layer])
        layer.set_weights([w + 0.1 * np.arange(1, 5, dtype="float32") for w in layer.get_weights()])
        model.compile(keras.optimizers.SGD(0.5), "mse", jit_compile=False)
        losses = [model.train_on_batch(X, target) for _ in range(3)]
        after.append([losses, *layer.get_weights(), model(X, training=False)])
    for ours, keras_s in zip(*after, strict=True):
        np.testing.assert_allclose(ours, keras_s, rtol=1e-4, atol=1e-5)


def test_one_direction_and_the_mean_of_all_states():
    X = np.random.default_rng(10).normal(size=(2, 64, 16)).astype("float32")
    shape = {"input_shape": (64, 16), "units": 5}
    both = models.build("rnn", **shape)
    forward = models.build("rnn", bidirectional=False, **shape)
    forward.get_layer("gru").set_weights(both.get_layer("gru").get_weights()[:3])
    np.testing.assert_allclose(
        models.outputs(forward, X, "gru"), models.outputs(both, X, "gru")[:, :5], atol=1e-6
    )
    assert list(models.influence(forward, X).columns) == ["forward"]

    mean = models.build("rnn", states="mean", dropout=0.5, **shape)
    states = models.outputs(mean, X, "gru")
    assert states.shape == (2, 64, 10)
    found = models.outputs(mean, X, "mean_of_states")
    np.testing.assert_allclose(found, states.mean(axis=1), atol=1e-6)
    names = list(models.layer_summary(mean).index)
    assert names.index("dropout_rnn") > names.index("mean_of_states")
    mean.get_layer("gru").set_weights(both.get_layer("gru").get_weights())
    np.testing.assert_allclose(
        models.outputs(mean, X, "gru")[:, -1, :5], models.outputs(both, X, "gru")[:, :5], atol=1e-6
    )
    with pytest.raises(ValueError, match="no option 'states'"):
        models.build("attention_serial", states="mean")
