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
# **You will be able to** ask a network about your own music, see which part of it decided, and judge
# how far to believe the answer. **You should know** nothing for the page above; a little Python for
# the rest. **Time**: 10 minutes.
#
# Try it with music that you know. The network is [beyond](beyond.ipynb), with the weights that come with
# this book's library, and it runs in your browser:
#
# <div class="song"><noscript><p>With JavaScript this page would hear a song of yours, here.
# Below stands what it makes of an example.</p></noscript></div>

# %% tags=["parameters", "remove-input"]
song = None  # a sound file, or a list of them to be played one after the other
model = "beyond"  # who listens: or the folder of a run of yours, or published weights ("figure2")
weights = None  # folder of the published weights, where they are not downloaded yet
hop = None  # seconds from one window to the next; default: half a window
write_results = False  # keep what is heard in book/results

# %% tags=["remove-input"]
import dataclasses

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import scipy.signal
from IPython.display import Markdown

import prcnn
from prcnn import audio, listening, plots, spectrogram
from prcnn.datasets.synthetic import clips
from prcnn.evaluation import percent
from prcnn.listening import Listening
from prcnn.listening.network import find_network
from prcnn.study import results

plots.use_style()
sr = 44100
if song is None:
    pieces = np.split(audio.resample(clips.song(), 22050, sr), 2)
    played = "an example"
else:
    files = [song] if isinstance(song, str) else song
    pieces = [audio.load(file, sr) for file in files]
    played = ", then ".join(str(file).rsplit("/", 1)[-1] for file in files)
y = np.concatenate(pieces)
turn = pieces[0].size / sr if len(pieces) > 1 else y.size / sr / 2  # where to listen in


def course(heard):
    """The song's spectrogram, and under it the course of the genres."""
    picture = dataclasses.replace(spectrogram.PAPER, sr=sr, hop_length=4096, n_frames=1 + y.size // 4096)
    _, (above, below) = plt.subplots(2, 1, figsize=(7.2, 5.4), sharex=True, height_ratios=(1, 1.5))
    plots.spectrogram(spectrogram.log_mel(y, picture, sr), picture, above)
    above.set(xlabel="")
    return plots.over_time(heard, below)


# %% tags=["remove-input"]
heard = dataclasses.replace(prcnn.classify(y, model, sr=sr, hop=hop, weights=weights), source=played)
plots.show(
    course(heard),
    alt=f"Spectrogram of {played}, its loudness, and the probability of every genre over time, as {heard.network} "
    f"hears it; in the mean {heard.genre} is the most probable.",
    sound=y,
    sr=sr,
    label=f"{played}: six seconds around its middle".capitalize(),
    seconds=6,
    offset=max(0, turn - 3),
)

# %% [markdown]
# **Figure.** An example and what the network hears in it: the spectrogram, the loudness, and how probable
# each genre is. A dot marks the genre that leads.
#
# In your picture as in the figure above, every step in the course of a genre is one window of thirty
# seconds, and the answer is the mean of all windows. Where no genre reaches one half, the network is more likely
# wrong than right, by its own word, and the page says that it is *not sure*. It also says where a song is shorter
# than a window, or has no treble: of a copy that has lost what lies above 8 kHz the network may be surer than of
# the original, and no righter.
#
# The two examples are for those who have no music at hand. A program made them, as it made the song of the
# figure: after recipes of the book's [synthetic](datasets.ipynb) music that are called Instrumental and Pop. They
# were chosen among 480 such clips *because* the network is sure of them and says the recipe's name. Of most it says
# another one or is not sure, for it learned these words from music by people, where they mean something else. The
# song of the figure is a clip of the recipe Electronic, then one of Pop: there it is neither right nor wrong, but
# it hears the change.
#
# ## The same in Python

# %%
heard = prcnn.classify(y, model, sr=sr, hop=hop, weights=weights)
print(heard)

# %% [markdown]
# And the first of the page's examples, from its recipe and its seed:

# %%
first = clips.song(("Instrumental",), seed=46)
print(prcnn.classify(first, sr=22050))

# %% tags=["remove-cell"]
assert prcnn.classify(first, sr=22050).answer == "Instrumental"

# %% [markdown]
# `y` are samples here, which need `sr`; `prcnn.classify("song.mp3")` takes a file, and a folder or a list of files
# gives one answer a song. (The page above plays its examples as MP3s, and what that loses may move a probability
# by a point. A file whose rate is not 44.1 kHz is resampled there in the browser's own way: at 22 kHz that can be
# several points.) Who listens is one argument: nothing for the shipped weights, the folder of a run that you
# [trained](train.ipynb), or the name of weights that the paper's authors published.
#
# ```python
# prcnn.classify("song.mp3", "runs/mine")
# prcnn.classify("song.mp3", "figure2", download=True)
# ```
#
# So it is for this whole page:
#
# ```sh
# papermill book/classify.ipynb heard.ipynb -p song song.mp3
# papermill book/classify.ipynb heard.ipynb -p song song.mp3 -p model runs/mine
# papermill book/classify.ipynb heard.ipynb -p song song.mp3 \
#   -p model figure2 -p weights ~/weights
# ```
#
# ## When exactly?
#
# The same song in steps of one second (the figure below):

# %%
step = max(1.0, y.size / sr / 200)
fine = prcnn.classify(y, model, sr=sr, hop=step, weights=weights)
print(f"{len(fine.times)} windows of {fine.window:.1f} s")

# %% tags=["hide-input"]
plots.show(
    plots.over_time(fine),
    alt=f"The genres over time once more, from {len(fine.times)} windows: the change from one part to the next is a "
    "slope, not a step.",
)

# %% [markdown]
# **Figure.** The same song, heard in steps of one second.
#
# The course is smoother, but not sharper: each of its columns is still what the network made of a whole
# window, so a change in the music is smeared over as much. A network that should say *when* needs
# shorter windows, and a shorter window holds less of what makes a genre.
#
# Each window is a clip of its own: its loudest moment is its 0 dB, as it was in training. So the
# network does not hear whether a passage is loud or quiet within the song, and a silent window has no
# spectrogram at all: it is left out and said (`heard.unheard`).
#
# ## What decided?
#
# Cover a part of the picture, and see how much of the probability is lost: that part spoke for the genre. The library
# does so with the window that spoke most clearly, here in parts of a tenth of its time and a quarter of its bands:

# %%
found = listening.occlusion_map(
    y, model, parts=(10, 4), sr=sr, hop=hop, weights=weights
)
(100 * found.drops).round(1) + 0.0  # in points, and no minus zero

# %% [markdown]
# **Table.** How many points of probability the answer loses when a part of the picture is covered: frames
# down, bands across.
#
# A cell of this table takes five lines. What is covered gets the mean of its band over the window, so that nothing
# happens there and nothing is louder or softer than before:

# %%
network, _, genres, _ = find_network(model, weights=weights)


def lost_without(frames, bands):
    covered = found.mel.copy()
    mean = found.mel[:, bands].mean(axis=0)
    covered[frames, bands] = mean
    p = network.predict(covered[None], verbose=0)[0]
    return found.probability - p[genres.index(found.genre)]


first = lost_without(
    slice(0, found.drops.index[1]), slice(0, found.drops.columns[1])
)
bool(abs(first - found.drops.iloc[0, 0]) < 1e-3)

# %% [markdown]
# **Change this and run again:** call `lost_without(slice(None), slice(None))`, everything covered. What is left of
# the probability is what the network makes of a sound in which nothing happens.

# %% tags=["hide-input"]
lost = found.drops.sum(axis=1)
seconds = y[round(found.start * sr) :]
length = min(heard.window, seconds.size / sr)
strongest = lost.idxmax() / len(found.mel) * length
cut = {"sr": sr, "seconds": 5, "offset": min(strongest, max(0, length - 5))}
plots.show(
    plots.occlusion(found),
    alt=f"The spectrogram of one window; over it red where covering a part costs {found.genre} probability, blue where it "
    "gains.",
    sound=seconds,
    label=f"What speaks most for {found.genre}",
    **cut,
)

# %% [markdown]
# **Figure.** Red parts speak for the genre: covered, they cost it probability. Blue ones speak against
# it. The five seconds that count most are there to be heard.

# %% tags=["remove-cell"]
assert abs(first - found.drops.iloc[0, 0]) < 1e-3, "what is computed by hand is the library's"
bands = listening.occlusion_map(y, model, parts=(1, 8), sr=sr, hop=hop, weights=weights).drops.iloc[0]
first = int(bands.idxmax())
edges = spectrogram.mel_filters(found.settings)
hz = np.fft.rfftfreq(found.settings.n_fft, 1 / found.settings.sr)
wide = found.mel.shape[1] // 8
low = max(20.0, float(hz[np.flatnonzero(edges[:, first])[0]]) if edges[:, first].any() else 20.0)
high = float(hz[np.flatnonzero(edges[:, min(first + wide, edges.shape[1]) - 1])[-1]])
most = float(found.drops.to_numpy().max())

# %% tags=["remove-input"]
alone = most < 0.2 * found.probability
Markdown(
    f"{'No single part decides' if alone else 'Some parts decide'}: the one that counts most costs {found.genre} "
    f"{100 * most:.0f} of its {100 * found.probability:.0f} points"
    f"{', for what is covered there is heard elsewhere in the window' if alone else ''}. Cover an eighth of "
    f"the bands through the whole window, and it is {100 * bands.max():.0f} points at most, between {low:.0f} and {high:.0f} Hz. "
    "Here are the same seconds with nothing but these bands:"
)

# %% tags=["remove-input"]
band = scipy.signal.butter(4, (low, min(high, 0.45 * sr)), "bandpass", fs=sr, output="sos")
filtered = scipy.signal.sosfilt(band, seconds).astype(np.float32)
filtered *= np.abs(seconds).max() / np.abs(filtered).max()
plots.player(filtered, label=f"The same seconds, {low:.0f} to {high:.0f} Hz alone", **cut)

# %% tags=["remove-cell"]
if (song, model) == (None, "beyond"):
    assert most < 0.1 * found.probability, "the summary says that no single part decides"

# %% [markdown]
# ## It has as many words as genres
#
# There is no word for *something else*. Whatever is played, the probabilities sum to one; only of silence
# the page, and Python, say that it is no music. Guess first: which genre is white noise? The table below has the answer.

# %%
rng = np.random.default_rng(0)
t = np.arange(40 * sr) / sr
sounds = {
    "white noise": rng.normal(0, 0.1, t.size),
    "a tone of 440 Hz": 0.3 * np.sin(2 * np.pi * 440 * t),
    "a click every second": (t % 1 < 0.001) * 0.5,
    "silence": np.zeros(t.size),
}

# %% tags=["hide-input"]
answers = {
    name: prcnn.classify(sound, model, sr=sr, hop=hop, weights=weights) for name, sound in sounds.items()
}
pd.DataFrame(
    {
        name: {
            "answer": one.answer,
            "most likely": one.genre or "–",
            "probability": percent(one.mean.iloc[0]) if one.genre else "–",
        }
        for name, one in answers.items()
    }
).T

# %% [markdown]
# **Table.** What the network says of sounds that are no music.

# %% tags=["remove-cell"]
assert answers["silence"].answer == "no music"
sounding = [one for name, one in answers.items() if name != "silence"]
assert all(np.isclose(one.mean.sum(), 1) for one in sounding)
if model == "beyond":
    assert answers["white noise"].answer == "Experimental", "the text says so"

# %% [markdown]
# Noise is what artists of the Free Music Archive call Experimental, so that answer is less foolish than it
# looks. But the network knows no difference between a piece of noise and a broken amplifier.
#
# ## Is it as right as it is sure?
#
# If a network says 90 % of ten clips, nine should be of that genre. The shipped weights' probabilities were
# calibrated on the validation clips. Whether they keep the promise is counted in the figure below on the
# test clips, by artists whom the network has never heard.

# %% tags=["hide-input"]
mapped = results.read("music_map")
said = np.array(mapped["probabilities"])
right = said.argmax(axis=1) == mapped["true"]
tested = pd.DataFrame({"probability": said.max(axis=1), "right": right})
parts = pd.cut(tested["probability"], [0, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 1])
kept = tested.groupby(parts, observed=True).agg(said=("probability", "mean"), right=("right", "mean"), clips=("right", "size"))
figure, ax = plt.subplots(figsize=(4.6, 3.8))
ax.plot([0, 1], [0, 1], ":", color="0.5")
ax.errorbar(
    kept["said"],
    kept["right"],
    1.96 * np.sqrt(kept["right"] * (1 - kept["right"]) / kept["clips"]),
    fmt="o-",
    color="black",
    capsize=3,
)
ax.axvline(listening.SURE, color="0.7")
ax.annotate("sure from here on", (listening.SURE, 0.04), xytext=(6, 0), textcoords="offset points")
ax.set(xlabel="probability of the genre it names", ylabel="share that is right", xlim=(0, 1), ylim=(0, 1))
plots.show(
    ax,
    alt="Share of right answers against the probability of the genre that is named: the dots rise near the diagonal, and "
    "for high probabilities lie under it.",
)

# %% [markdown]
# **Figure.** How often the network is right, against how sure it is: test clips of FMA-small, with 95 %
# intervals. On the dotted line it is as right as it is sure.

# %% tags=["remove-input"]
sure = tested["probability"] >= listening.SURE
Markdown(
    f"Of {len(tested)} clips it is sure of {sure.sum()}, and right about {100 * tested[sure]['right'].mean():.0f} % of "
    f"these; of the others, about {100 * tested[~sure]['right'].mean():.0f} %. So *not sure* is worth having. On average it "
    f"gives its first choice {100 * tested['probability'].mean():.0f} % and is right in {100 * tested['right'].mean():.0f} %."
)

# %% tags=["remove-cell"]
assert tested[sure]["right"].mean() > 0.6 > 0.4 > tested[~sure]["right"].mean()
assert kept["right"].iloc[-1] < kept["said"].iloc[-1], "the picture's description says so"
assert kept["right"].is_monotonic_increasing or kept["right"].corr(kept["said"]) > 0.9

# %% [markdown]
# Even this holds only for music like the music it learned from: tracks of one archive, with the labels
# their uploaders gave them. What else the weights cannot do stands on their [card](beyond.ipynb).
#
# ## Real music
#
# Two clips of FMA-small, one after the other. FMA's label of 000002, a training clip, is Hip-Hop, that of
# 000182, from the test split, Rock. The figure below was kept from a run of this page with these files:
#
# ```sh
# papermill book/classify.ipynb out.ipynb \
#   -y "song: [000002.mp3, 000182.mp3]" -p hop 2 -p write_results True
# ```

# %% tags=["hide-input"]
if write_results:
    whole = dataclasses.asdict(dataclasses.replace(heard, source=played, peaks=heard.peaks.round(3)))
    results.write("listening", {"song": played, "listening": whole})
record = results.read("listening")["listening"]
arrays = {name: np.array(record[name]) for name in ("times", "probabilities", "peaks")}
kept = Listening(**record | arrays)
plots.show(
    plots.over_time(kept),
    alt=f"Probability of every genre over time for {kept.source}, as {kept.network} hears it; in the mean {kept.genre} is "
    "the most probable.",
)

# %% [markdown]
# **Figure.** Two real clips, one after the other, heard in steps of two seconds.

# %% tags=["remove-input"]
print(kept)

# %% tags=["remove-cell"]
assert kept.network == "beyond"
assert kept.table.iloc[0].idxmax() == "Hip-Hop" and kept.table.iloc[-1].idxmax() != "Rock"

# %% [markdown]
# A window is as long as these clips, so only the first and the last hear one of them alone. The first is
# recognised, no wonder with a clip from training. The second is not: alone, *Rock* comes second at best, and the
# network is right not to be sure. All windows between hear the end of one and the beginning of the other, as no
# clip in training did.
#
# ## Summary
#
# - A song is cut into overlapping windows, as long as what the network saw of a training clip; each is
#   classified as a clip of its own.
# - A step shorter than a window draws a smoother curve, not a sharper one.
# - The network answers with one of its genres whatever it is played; *not sure* is the answer to take
#   seriously.
# - What decides is spread over the window: no second and no band of it speaks alone.
#
# ## Exercises
#
# **Exercise 1 (easy). Your own.**
# Choose a song you know well. Before you drop it in above, write down which genre the network will name
# and at what minute it will change its mind. What did you hear that it did not?
#
# <details><summary>Solution</summary>
#
# It sees a frame every quarter of a second and nothing of the words, the language or the year. So it reacts to
# timbre: drums coming in, a distorted guitar, a voice alone. What makes a song Pop or International to you, it
# mostly cannot hear.
#
# </details>
#
# **Exercise 2 (easy). Turn it down.**
# Guess first: what changes if you classify the song at a tenth of its loudness?
#
# <details><summary>Solution</summary>
#
# ```python
# quiet = prcnn.classify(0.1 * y, sr=sr)
# np.abs(quiet.probabilities - heard.probabilities).max()
# ```
# Next to nothing: each window's loudest value is taken as 0 dB, so a factor drops out. What remains is
# rounding. Turn only the second half down and the windows across the joint do change.
#
# </details>
#
# **Exercise 3 (medium). Backwards.**
# Play the song backwards. Will the genres stay, and what does that tell about what the network listens to?
#
# <details><summary>Solution</summary>
#
# ```python
# plots.over_time(prcnn.classify(y[::-1].copy(), sr=sr))
# ```
# The order of the parts is reversed, of course. Within each, the frequencies are the same and only attacks
# have become swells: as far as the answer stays the same, the network goes by the timbre; as far as it
# changes, by the order of events.
#
# </details>
#
# **Exercise 4 (medium). Ten seconds.**
# The page plays a recording of ten seconds three times in a row, to fill a window. What can the network not
# know then, and how far is its answer from that for all thirty?
#
# <details><summary>Solution</summary>
#
# ```python
# ten = np.tile(y[: 10 * sr], 3)
# thirty = prcnn.classify(y[: 30 * sr], sr=sr).mean
# (prcnn.classify(ten, sr=sr).mean - thirty).round(2)
# ```
# It hears a third of what it needs, and a loop: whatever changes more slowly than in ten seconds is gone, and
# every seam is a click. Sooner trust the recording of a steady passage.
#
# </details>
