# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#       jupytext_version: 1.19.6
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Drop in a song: what does a network hear?
#
# *A song is longer than what a network reads at once, and it changes: an intro, a verse, a quiet
# middle. So the network listens to a window of it, then to the next. What does it say, and how much
# of that should one believe?*
#
# Your own song, heard by your own run or by the weights the paper's authors published:
#
# ```sh
# papermill book/train.ipynb out.ipynb -p dataset fma_small -p epochs 50 -p out runs/mine
# papermill book/classify.ipynb heard.ipynb -p song song.mp3 -p run runs/mine
# papermill book/classify.ipynb heard.ipynb -p song song.mp3 -p checkpoints ~/weights
# ```
#
# or in Python, `prcnn.classify("song.mp3", "runs/mine")`.

# %% tags=["parameters"]
song = None  # a sound file, or a list of them to be played one after the other
run = None  # folder of a run that you trained
checkpoints = None  # folder of the authors' weight files
checkpoint = "figure2"  # which of them: a name from prcnn.models.CHECKPOINTS
hop = None  # seconds from one window to the next; default: half a window
dataset = "synthetic"  # where the song and the network come from if you give none
data_home = None
network = "crnn"  # what is trained here if you give none: the one that learns fastest
epochs = 6
write_results = False  # keep what is heard in book/results

# %% [markdown]
# ## The song
#
# If none is given: two clips from the test split, one after the other, of genres that share neither
# their instruments nor their order of events. No network has heard them, nor anything else by these
# artists.

# %%
from prcnn.notebook import refuse_unknown_parameters

refuse_unknown_parameters()

import dataclasses
import tempfile

import numpy as np
import pandas as pd
from IPython.display import Markdown

import prcnn
from prcnn import audio, evaluation, models, plots, spectrogram, store, training
from prcnn.study import results
from prcnn.listening.song import Listening, clock

plots.use_style()
clips = None if song and (run or checkpoints) else prcnn.datasets.load(dataset, data_home)
if song is None:
    first, last = clips.genres[0], clips.genres[min(2, len(clips.genres) - 1)]
    test = clips.clips[clips.clips["split"] == "test"]
    files = [test.loc[test["genre"] == genre, "path"].iloc[0] for genre in (first, last)]
    played = f"a clip of {first}, then one of {last}"
else:
    files = [song] if isinstance(song, str) else song
    played = ", then ".join(str(file).rsplit("/", 1)[-1] for file in files)
sr = 22050
pieces = [audio.load(file, sr) for file in files]
y = np.concatenate(pieces)
joint = pieces[0].size / sr if len(pieces) > 1 else min(3, y.size / sr)
print(f"{played}: {clock(y.size / sr)}, an array of shape {y.shape}")

# %%
plots.player(y, sr, label=f"{played}; six seconds of it", seconds=6, offset=max(0, joint - 3))

# %% [markdown]
# ## Who listens
#
# A run, or published weights, if one was given. Otherwise a small network is trained here, in less than
# a minute: it will not be very good, and that is part of what there is to see.

# %% tags=["nbval-ignore-output"]
known = {}  # what a listener that is no run has to be told
features = None
if run:
    listener = training.load_run(run)
elif checkpoints:
    listener, known = checkpoint, {"weights": checkpoints}
else:
    features = store.extract(clips, spectrogram.PAPER)
    listener = training.train(
        models.build(network, n_genres=len(features.genres), seed=0),
        features,
        epochs=epochs,
        batch_size=16,
        out=tempfile.mkdtemp(),
        progress=False,
    )
heard = prcnn.classify(y, listener, sr=sr, hop=hop, **known)
heard = dataclasses.replace(heard, source=played)
print(heard)

# %% [markdown]
# ## Over time
#
# Dark is probable, and a dot marks the genre that leads. Every moment shows the window whose middle is
# nearest. A network that was trained for less than a minute often finds the wrong word (how often is
# counted below), but it says other things of the first half than of the second: the change is heard.

# %% tags=["nbval-ignore-output"]
plots.show(
    plots.over_time(heard),
    alt=f"Probability of every genre over time for {played}, as {heard.network} hears it, under the "
    f"loudness; in the mean {heard.genre} is the most probable.",
)

# %% tags=["remove-cell"]
assert np.allclose(np.nansum(heard.probabilities, axis=1)[np.isfinite(heard.probabilities[:, 0])], 1)
if (song, run, checkpoints, dataset, network) == (None, None, None, "synthetic", "crnn") and epochs >= 6:
    before, after = heard.table.loc[: joint - heard.window / 2], heard.table.loc[joint + heard.window / 2 :]
    change = before.mean() - after.mean()
    assert change[first] - change[last] > 0.1, f"the page says that the change is heard: {change}"

# %% [markdown]
# ## When exactly?
#
# The same song in steps of one second. The picture is smoother, but not sharper: each of its columns
# is still what the network made of a whole window, so a change in the music is smeared over as much.
# A network that should say *when* needs shorter windows, and a shorter window holds less of what makes
# a genre.

# %% tags=["nbval-ignore-output"]
fine = prcnn.classify(y, listener, sr=sr, hop=max(1.0, y.size / sr / 200), **known)
print(f"{len(fine.times)} windows of {fine.window:.1f} s")
plots.show(
    plots.over_time(fine),
    alt=f"The same as the last figure, from {len(fine.times)} windows: the change from one genre to "
    "the next is a slope, not a step.",
)

# %% [markdown]
# Each window is a clip of its own: its loudest moment is its 0 dB, as it was in training. So the
# network does not hear whether a passage is loud or quiet within the song, and a silent window has no
# spectrogram at all: it is left out and said (`heard.unheard`).
#
# ## It has as many words as genres
#
# There is no word for *something else*. Whatever is played, the probabilities sum to one:

# %% tags=["nbval-ignore-output"]
rng = np.random.default_rng(0)
seconds = np.arange(40 * sr) / sr
sounds = {
    "white noise": rng.normal(0, 0.1, seconds.size),
    "a tone of 440 Hz": 0.3 * np.sin(2 * np.pi * 440 * seconds),
    "a click every second": (seconds % 1 < 0.001) * 0.5,
}
answers = {name: prcnn.classify(sound, listener, sr=sr, **known) for name, sound in sounds.items()}
said = {name: f"{a.genre}, {100 * a.mean.iloc[0]:.0f} %" for name, a in answers.items()}
pd.Series(said, name=f"{heard.network} says").to_frame()

# %% tags=["remove-cell"]
assert all(a.genre in a.genres and np.isclose(a.mean.sum(), 1) for a in answers.values())

# %% [markdown]
# ## Is it as right as it is sure?
#
# If a network says 90 % of ten clips, nine should be of that genre. Whether it keeps that promise can
# be counted on clips whose genre is known:

# %% tags=["nbval-ignore-output"]
if features is None:
    say = (
        "Only where the page trains its own network are such clips at hand. For a run of yours, see "
        "`prcnn.evaluation.calibration`."
    )
else:
    report = evaluation.evaluate(listener.model, features, split="test")
    sure = report.probabilities.max(axis=1).mean()
    say = (
        f"On {report.n} test clips this network gives its first choice {100 * sure:.0f} % on average, "
        f"and is right in {100 * report.accuracy:.0f} % of them (95 % interval "
        f"{100 * report.interval[0]:.0f} to {100 * report.interval[1]:.0f} %)."
    )
Markdown(say)

# %% [markdown]
# Even this comparison is good only for music like the music it learned from. For other music nothing is
# promised: the network of this page knows synthetic clips only, and the authors' weights know the training
# clips of one archive, with the labels their uploaders gave them.
#
# ## What the published weights hear
#
# Real music: two clips of FMA-small one after the other, heard by the network of the paper's Figure 2.
# This was kept from a run of this page with these files:
#
# ```sh
# papermill book/classify.ipynb out.ipynb -y "song: [000002.mp3, 000182.mp3]" -p checkpoints ~/weights -p hop 2 -p write_results True
# ```

# %%
if write_results:
    whole = dataclasses.asdict(dataclasses.replace(heard, peaks=heard.peaks.round(3)))
    results.write("listening", {"song": played, "listening": whole, "no music": said})
record = results.read("listening")
kept = Listening(
    **record["listening"]
    | {name: np.array(record["listening"][name]) for name in ("times", "probabilities", "peaks")}
)
print(record["song"])
plots.show(
    plots.over_time(kept),
    alt=f"Probability of every genre over time for {record['song']}, as {kept.network} hears it; in "
    f"the mean {kept.genre} is the most probable.",
)

# %%
print(kept)

# %% [markdown]
# FMA's label of 000002 is Hip-Hop, that of 000182 Rock. A window of the authors' settings is as long as
# these clips, so only the first and the last window hear one of them alone; all others hear the end of
# one and the beginning of the other, as no clip in training did. And to what is no music at all it
# says:

# %%
pd.Series(record["no music"], name=f"{kept.network} says").to_frame()

# %% [markdown]
# ## Summary
#
# - A song is cut into overlapping windows, as long as what the network saw of a training clip; each is
#   classified as a clip of its own.
# - A step shorter than a window draws a smoother curve, not a sharper one.
# - A network answers with one of its genres whatever it is played, and how sure it is says little about
#   music unlike its training set.
#
# ## Exercises
#
# ```{exercise} Your own
# :label: classify-own
# Classify a song you know well, with a run of your own. Where does the network change its mind, and
# what happens in the music there?
# ```
#
# ```{solution} classify-own
# :class: dropdown
# `papermill book/train.ipynb out.ipynb -p epochs 20 -p out runs/mine`, then
# `papermill book/classify.ipynb heard.ipynb -p song song.mp3 -p run runs/mine`. A run on synthetic music
# will mostly react to drums coming in and to the amount of treble: these are what its genres differ in.
# For real answers train on real music: `-p dataset fma_small`, or `-p dataset path/of/folders`.
# ```
#
# ```{exercise} Turn it down
# :label: classify-quiet
# Classify the song at a tenth of its loudness. What changes, and why?
# ```
#
# ```{solution} classify-quiet
# :class: dropdown
# ~~~python
# quiet = prcnn.classify(0.1 * y, listener, sr=sr, hop=hop, **known)
# np.abs(quiet.probabilities - heard.probabilities).max()
# ~~~
# Next to nothing: each window's loudest value is taken as 0 dB, so a factor drops out. What remains is
# rounding. Turn only the second half down and the windows across the joint do change.
# ```
#
# ```{exercise} Backwards
# :label: classify-backwards
# Play the song backwards. What does the network say now, and what does that tell about what it listens
# to?
# ```
#
# ```{solution} classify-backwards
# :class: dropdown
# ~~~python
# plots.over_time(prcnn.classify(y[::-1].copy(), listener, sr=sr, hop=hop, **known))
# ~~~
# The order of the halves is reversed, of course. Within each, the frequencies are the same and only
# attacks have become swells: as far as the answer stays the same, the network goes by the timbre; as far
# as it changes, by the order of events. The synthetic genres that share a timbre differ in nothing else
# (see [datasets](datasets.ipynb)).
# ```
