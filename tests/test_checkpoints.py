"""The authors' weights in our networks give what an independent forward pass gives."""

import functools
import http.server
import threading

import h5py
import keras
import numpy as np
import pytest

from prcnn import models
from prcnn.datasets.fma import GENRES
from prcnn.models import CheckpointError, checkpoints
from prcnn.models.branches import old_hard_sigmoid
from prcnn.spectrogram import AUTHORS, get_settings, log_mel

# Probabilities for `wave` from float64 forward passes with numpy alone, through the arrays of each
# file: the first three of the published ones from an independent source.
PUBLISHED = {
    "dwivedi": ".04240100 .88040945 .00094022 .00022631 .01688092 .00009842 .03906771 .01997597",
    "figure2": ".05464106 .87908980 .01288081 .00288113 .01810707 .00176921 .01975558 .01087534",
    "figure3": ".02255925 .04014189 .00324339 .02666083 .01139269 .86748759 .02691699 .00159738",
    "figure3_rerun": ".01824988 .23696897 .08267268 .40992618 "
    ".00794433 .17394127 .06420634 .00609036",
    "stacked": ".00257227 .94876541 .01005326 .00097687 .01799799 .00028507 .01456544 .00478370",
    "dwivedi_retrained": ".09500172 .87151594 .00082012 .01025958 "
    ".01332213 .00274706 .00402456 .00230889",
}
MADE = {
    "dwivedi": ".20586198 .05171955 .14319375 .04374239 .07733477 .09638982 .25762073 .12413701",
    "figure2": ".13025216 .04859120 .06476855 .12272168 .06557690 .14597142 .37957136 .04254673",
    "figure3": ".16096903 .31228690 .02301676 .09386240 .07424082 .01559016 .12009692 .19993700",
    "figure3_rerun": ".20719406 .10528844 .21419376 .05309835 "
    ".10741263 .06847676 .17600640 .06832959",
    "stacked": ".66335728 .01048093 .00647106 .00696386 .05933625 .00336037 .20188700 .04814326",
    "dwivedi_retrained": ".29139380 .34109474 .00941838 .04946505 "
    ".08573587 .04342663 .04658079 .13288474",
}
HIP_HOP = {"dwivedi": 0.99071, "figure2": 0.99838, "figure3": 0.69309}  # clip 000002


@pytest.fixture(scope="module")
def wave():
    t, f = np.arange(640)[:, None], np.arange(128)
    return np.float32(-9.21 + 9.21 * np.sin(0.037 * t) * np.cos(0.11 * f))[None]


@pytest.mark.parametrize("name", models.CHECKPOINTS)
def test_golden_outputs(name, checkpoints_folder, made_files, wave):
    model = models.load_checkpoint(name, checkpoints_folder)
    assert get_settings(model.settings) == AUTHORS and model.genres == list(GENRES)
    golden = MADE if checkpoints_folder == made_files else PUBLISHED
    exact = np.array(golden[name].split(), float)
    np.testing.assert_allclose(model.predict(wave, verbose=0)[0], exact, rtol=0, atol=1e-6)


def test_a_real_clip_end_to_end(shared_data):
    mel = log_mel(shared_data / "fma/fma_small/000/000002.mp3", AUTHORS)[None]
    for name, hip_hop in HIP_HOP.items():
        model = models.load_checkpoint(name, shared_data / "authors_checkpoints")
        assert model.predict(mel, verbose=0)[0, 3] == pytest.approx(hip_hop, abs=1e-3), name


def test_dwivedis_gate_is_not_todays_hard_sigmoid():
    x = np.float32([-9, -2.5, -1, 0, 1, 2.5, 9])
    got = keras.ops.convert_to_numpy(old_hard_sigmoid(x))
    np.testing.assert_allclose(got, [0, 0, 0.3, 0.5, 0.7, 1, 1], atol=1e-7)
    gru = models.build("dwivedi").get_layer("gru").backward_layer
    assert gru.recurrent_activation is old_hard_sigmoid and not gru.reset_after


def damage(data):
    """A thousand bytes changed, as a bad disk or a careless copy does."""
    return data[:50_000] + bytes(byte ^ 255 for byte in data[50_000:51_000]) + data[51_000:]


@pytest.mark.parametrize("harm", [damage, lambda data: data[:-1], lambda data: b""])
def test_only_the_published_file_is_loaded(harm, made_checkpoints, tmp_path):
    """Changed weights have the right shapes: without a checksum they would pass silently."""
    file = tmp_path / "base-weights.best.h5"
    file.write_bytes(harm((made_checkpoints / file.name).read_bytes()))
    with pytest.raises(CheckpointError, match=r"base-weights.best.h5 is not the file .*damaged"):
        models.load_checkpoint("dwivedi", tmp_path)


def test_weights_of_another_name_are_named(made_checkpoints):
    """Both have the same shapes."""
    with pytest.raises(CheckpointError, match=r"'figure3' .*, but that of 'figure3_rerun'"):
        models.load_checkpoint("figure3", made_checkpoints / "new_attention_weights.best.h5")


@pytest.mark.parametrize("read", [models.read_weights, models.read_accumulators])
def test_unreadable_weights(read, made_files, tmp_path):
    file = tmp_path / "cut.h5"
    file.write_bytes((made_files / "base-weights.best.h5").read_bytes()[:60_000])
    for path in (file, tmp_path / "absent.h5"):
        with pytest.raises(CheckpointError, match=f"{path.name} is not a readable Keras weight"):
            read(path)
    with h5py.File(tmp_path / "other.h5", "w") as other:
        other["data"] = np.zeros(3)
    with pytest.raises(CheckpointError, match=r"other.h5 is not a readable Keras weight file"):
        models.read_weights(tmp_path / "other.h5")


def test_absent_file_and_unknown_name(tmp_path):
    with pytest.raises(CheckpointError, match=r"no file .*base-weights.best.h5"):
        models.load_checkpoint("dwivedi", tmp_path)
    with pytest.raises(ValueError, match=r"'figure4'.*dwivedi, figure2, figure3, figure3_rerun"):
        models.load_checkpoint("figure4")


def test_download_is_verified_and_kept(made_checkpoints, data_home, tmp_path, monkeypatch):
    """From a server on this machine, laid out as the authors' repository is."""
    repository, commit = checkpoints.REPOSITORY, "56a1e1ce2e97e77961160c05485905fcae994dc8"
    assert repository == "https://github.com/CSawesomeprojects/Music-Genre-Classification"
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / commit).symlink_to(made_checkpoints)
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=tmp_path)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setattr(checkpoints, "REPOSITORY", f"http://127.0.0.1:{server.server_port}")
        models.load_checkpoint("figure2")
        stacked = models.CHECKPOINTS["stacked"]._replace(sha1="0" * 40)
        monkeypatch.setitem(models.CHECKPOINTS, "stacked", stacked)
        with pytest.raises(CheckpointError, match=r"Cannot download.*stacked.*hash"):
            models.load_checkpoint("stacked")
        server.shutdown()
    models.load_checkpoint("figure2")  # the kept file
    with pytest.raises(CheckpointError, match=r"Cannot download http.*give it as path"):
        models.load_checkpoint("figure3")
