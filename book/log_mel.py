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
# # Log-mel: what does a network see of a song?
#
# *Thirty seconds of music are two thirds of a million numbers. The networks of this book get 640 ×
# 128 of them, drawn as a picture. What is in that picture, and what is lost on the way?*
#
# **You will be able to** make the picture with six lines of librosa, say what every number of its shape
# means, and hear what it lost. **You should know** what a frequency is, and NumPy's arrays. **Time**: 15
# minutes.
#
# We follow one clip through every step, and at each step print the shape, look, and listen to what is
# left.

# %% tags=["parameters", "hide-input"]
dataset = "synthetic"  # a name from prcnn.datasets.names(), or the path of a folder of genres
data_home = None  # where datasets lie; default: PRCNN_DATA, else this user's cache folder

# %% tags=["hide-input"]
from dataclasses import replace

import librosa
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import HTML, Markdown, display

import prcnn
from prcnn import audio, plots, spectrogram
from prcnn.spectrogram import AUTHORS, CLOSE, FENG, GTZAN_IMAGES, IMAGES, PAPER

plots.use_style()
clips = prcnn.datasets.load(dataset, data_home=data_home)
rock = "Rock" if "Rock" in clips.genres else clips.genres[-1]
path = clips.clips.query("genre == @rock")["path"].iloc[0]

# %% [markdown]
# ## A clip is a line
#
# A file holds air pressure, tens of thousands of times a second. `prcnn.audio.load` decodes it,
# averages left and right, and brings it to 22,050 samples a second: enough for every frequency up to
# half of that, 11,025 Hz.

# %%
y = audio.load(path)
print("samples:", y.shape, y.dtype)

# %% tags=["hide-input"]
ax = plt.subplots(figsize=(5.2, 1.3))[1]
plots.waveform(y[22050 : 22050 + 1102], ax=ax)
plots.show(ax, alt="A line that swings up and down: fast oscillations riding on slow ones.")

# %% [markdown]
# **Figure.** A twentieth of a second of the clip: the pressure of the air.
#
# Something swings in it, fast and slow at once; which notes, which instruments,
# nobody could say. So we ask for each moment which frequencies it is made of.
#
# ## The short-time Fourier transform
#
# Take 2048 samples, fade them in and out with a window, transform; move on by `hop_length` samples and
# do it again. Each transform is one **frame**: 1025 frequencies from 0 to 11,025 Hz. What we keep is
# the power of each; the phase, where in its cycle every frequency stands, is thrown away.

# %%
linear = replace(PAPER, name="stft", n_mels=None)
stft = spectrogram.power(y, linear)
print("power of the STFT:", stft.shape)

# %% tags=["hide-input", "nbval-ignore-output"]
start = slice(0, 130)  # three seconds
figure, (loud, soft) = plt.subplots(1, 2, figsize=(7.2, 2.6), sharey=True)
ratio = replace(linear, top_db=1.0)
plots.spectrogram(stft[start] / stft.max() - 1, ratio, ax=loud, colorbar=False)
loud.set_title("Power, as it is")
plots.spectrogram(spectrogram.decibels(stft, linear)[start], linear, ax=soft, title="In decibels")
plots.show(
    soft,
    sound=y,
    label=f"1. The clip itself ({rock})",
    seconds=2.0,
    alt="Two pictures of the same three seconds: power is nearly black but for a few low tones; "
    "decibels show beats, tones and their overtones.",
)

# %% [markdown]
# **Figure.** The clip itself, its STFT as power and in decibels. Press play, or click into the part of the
# right picture that is framed.
#
# The left picture is the power itself: nearly black, because the loudest tones are millions of times
# stronger than those we hear beside them. The ear counts ratios, and so do **decibels**: ten times the
# power is 10 dB more. The right picture has 0 dB at the loudest point of the clip and is cut at −80 dB,
# a hundred-millionth of its power.

# %% tags=["remove-input"]
Markdown(
    f"A frame spans {1000 * PAPER.n_fft / PAPER.sr:.0f} ms and comes every "
    f"{1000 * PAPER.hop_length / PAPER.sr:.0f} ms; neighbouring frequencies are "
    f"{PAPER.sr / PAPER.n_fft:.1f} Hz apart."
)


# %% [markdown]
# To hear what is left without the phase, we make
# sound of it again: some phase that fits is guessed, step by step (Griffin and Lim's algorithm, from
# librosa ([McFee et al., 2015](references.md))). Predict: will you still know the song?

# %% tags=["hide-input"]
def listen(power, settings):
    """Sound again from power, (frames, frequencies): Griffin-Lim guesses the phase."""
    frames = power[: round(2.1 * settings.sr / settings.hop_length)]
    sound = librosa.griffinlim(
        np.sqrt(frames).T, n_iter=32, hop_length=settings.hop_length, random_state=0
    )
    return sound * np.abs(y).max() / np.abs(sound).max()


# %% tags=["nbval-ignore-output"]
without = listen(stft, PAPER)
plots.player(without, label="2. From the STFT without its phase")

# %% [markdown]
# ## The mel scale
#
# 1025 frequencies are more than we need. From 100 to 200 Hz is an octave, and so is from 4,000 to 8,000
# Hz: one is 9 steps of the STFT, the other 372. The **mel scale** spaces frequencies as the ear does.
# Below 1 kHz it is straight, above it counts ratios (this is Slaney's version, librosa's default). Here
# is a slide from 100 Hz to 8 kHz that climbs evenly in Hz, and one that climbs evenly in mels. Which of
# them will sound even?

# %% tags=["hide-input", "nbval-ignore-output"]
seconds = np.arange(2 * PAPER.sr) / PAPER.sr
hz_slide = np.linspace(100, 8000, seconds.size)
mel_slide = librosa.mel_to_hz(np.linspace(*librosa.hz_to_mel([100, 8000]), seconds.size))
slides = {
    name: 0.3 * np.sin(2 * np.pi * np.cumsum(hz) / PAPER.sr)
    for name, hz in {"even in Hz": hz_slide, "even in mels": mel_slide}.items()
}
for name, slide in slides.items():
    display(plots.player(slide, label=f"A slide from 100 Hz to 8 kHz, {name}"))

# %% tags=["hide-input"]
figure, axes = plt.subplots(2, 2, figsize=(6.2, 3), sharex=True)
short = replace(PAPER, n_frames=86)
for row, (name, slide) in zip(axes, slides.items(), strict=True):
    for ax, chosen in zip(row, (replace(short, n_mels=None), short), strict=True):
        picture = spectrogram.log_mel(slide, chosen, chosen.sr)
        words = "mel bands" if chosen.n_mels else "STFT"
        plots.spectrogram(picture, chosen, ax=ax, title=f"{name}: {words}", colorbar=False)
        ax.set(ylabel="")
plots.show(
    figure,
    alt="Four pictures: the slide even in Hz is a straight line in the STFT and a bent one in mel "
    "bands; the slide even in mels is bent in the STFT and straight in mel bands.",
)

# %% [markdown]
# **Figure.** Two slides from 100 Hz to 8 kHz, each as STFT and in mel bands.

# %% tags=["remove-input"]
centres = librosa.mel_to_hz(np.linspace(0, librosa.hz_to_mel(11025), 130))[1:-1]
Markdown(
    "The first slide rushes through the low notes and then seems to stand still: most of "
    "its time is spent where the ear tells frequencies badly apart. The second climbs "
    "steadily, and in the mel bands it is the straight line. The next figure shows why: "
    f"{(centres < 1000).sum()} of the 128 mel bands lie below 1 kHz, where most melodies "
    f"are; the STFT spends {(np.fft.rfftfreq(2048, 1 / 22050) < 1000).sum()} of its 1025 "
    "frequencies there."
)

# %% tags=["hide-input"]
_, (scale, bands) = plt.subplots(1, 2, figsize=(7, 2), width_ratios=(4, 3))
hz = np.linspace(0, 11025, 500)
scale.plot(hz, librosa.hz_to_mel(hz), color="black")
for end, beside in ((100, (8, -4)), (8000, (6, -13))):
    mels = float(librosa.hz_to_mel(end))
    scale.plot([end, end, 0], [0, mels, mels], color="0.5", linestyle=":")
    scale.annotate(f"{end:,} Hz", (end, mels), xytext=beside, textcoords="offset points")
scale.axvline(1000, color="0.8", zorder=0)
scale.annotate("straight below 1 kHz", (1000, 12), xytext=(6, 0), textcoords="offset points")
scale.set(xlabel="frequency (Hz)", ylabel="mels (Slaney)", xlim=(0, 11025), ylim=(0, 52))
hz = np.fft.rfftfreq(PAPER.n_fft, 1 / PAPER.sr)
for i, band in enumerate(spectrogram.mel_filters(PAPER).T[::8]):
    bands.plot(hz, band / band.max(), color=("0.1", "0.55")[i % 2], lw=1)
bands.set(xlabel="frequency (Hz)", ylabel="weight (of its peak)", xlim=(0, PAPER.sr / 2))
plots.show(
    scale,
    alt="Mels over Hz: straight to 1 kHz, then flattening. Beside it, every eighth mel filter: "
    "narrow triangles at low frequencies, wide ones at high frequencies.",
)

# %% [markdown]
# **Figure.** The mel scale, and every eighth of the 128 filters that it gives.

# %% [markdown]
# Each mel band adds up the power under a triangle, from the centre of the band below to that of the band
# above: a matrix product, (640, 1025) times (1025, 128). Then decibels. All that was said so far, in
# librosa:

# %%
power = np.abs(librosa.stft(y, n_fft=2048, hop_length=512)) ** 2
triangles = librosa.filters.mel(sr=22050, n_fft=2048, n_mels=128)
mel_power = (triangles @ power[:, :640]).T  # (640, 128)
mel = librosa.power_to_db(mel_power, ref=np.max, top_db=80)
print("log-mel:", mel.shape, "from", mel.min(), "to", mel.max(), "dB")
difference = np.abs(mel - spectrogram.log_mel(path)).max()
print(f"the library's is the same: {difference < 0.01}")

# %% [markdown]
# `spectrogram.log_mel(path)` is all of this in one call.
#
# **Change this and run again**: `hop_length=1024`, or `top_db=40`. Expect from the first that the same 640
# frames reach twice as far, which is what the paper's authors did; from the second a picture whose softer
# half is all floor. The library's is then another one, and the last line says so.
#
# ## Three numbers to turn
#
# Window, hop and bands are a choice, and each wins something and loses something. In the book the figure below
# has sliders, which draw it anew from the sound under it, in your browser, by the same six lines. (In a notebook,
# change the numbers in the cell above.) Predict, then drag: with which window do tones turn into thin lines, and
# what happens to the beats? With which do the lowest bands go black, and why? What does a hop of 2048 lose
# that a hop of 512 has, and does a hop of 128 show more than one of 512?

# %% tags=["hide-input", "nbval-ignore-output"]
ax = plt.subplots(figsize=(6.4, 2.4))[1]
still = plots.show(
    plots.spectrogram(mel[:172], PAPER, ax=ax, colorbar=False),
    alt="Log-mel picture of four seconds: beats as upright stripes, tones as level ones, coarser than the STFT.",
    sound=y,
    label="The clip's first four seconds",
    seconds=4.0,
)
HTML(f'<div class="mel-play">{still.data}</div>')

# %% [markdown]
# **Figure.** Four seconds in mel bands, with the paper's window, hop and bands, or with yours.
#
# A long window knows pitch and not time, a short one time and not pitch; there is no window that knows both. A
# band that is narrower than the window's steps catches none of them and stays at the floor: more bands than the
# window can fill are no finer picture. And a hop far below the window repeats what the windows share.
#
# To hear what the bands keep, the triangles are turned round: every band's power is spread over the
# frequencies it came from.


# %% tags=["hide-input", "nbval-ignore-output"]
def spread(power, settings):
    """Power of the STFT that would give this mel power, each band spread over its triangle."""
    triangles = spectrogram.mel_filters(settings)
    shares = triangles / np.maximum(triangles.sum(axis=1, keepdims=True), 1e-9)
    return power / triangles.sum(axis=0) @ shares.T


plots.player(listen(spread(mel_power, PAPER), PAPER), label="3. From 128 mel bands, hop 512")

# %% tags=["hide-input", "nbval-ignore-output"]
wide = replace(AUTHORS, reference="frames", unit="decibel")
floored = 10 ** (spectrogram.log_mel(path, wide) / 10)
coarse = listen(spread(floored, wide), wide)
plots.player(coarse, label="4. From 128 mel bands, hop 1024, cut at -80 dB")

# %% [markdown]
# The beat, the kind of sound, roughly the harmony: still there. Words, the breath of an instrument, the
# exact pitch of two close tones: gone or smeared. With hop 1024 sharp attacks blur. What the picture
# lost, no network can learn from; but part of what you miss here is due to the guessed phase, and was
# in the picture.
#
# ## 640 frames: which part of the clip?
#
# The paper says hop 512. The notebooks and weights behind it say 1024. Both keep 640 frames, and so
# they look at different stretches of the clip. `images`, `gtzan_images` and `close` are what is published
# of FMA-small and GTZAN without their sound ([datasets](datasets.ipynb)).

# %% tags=["hide-input"]
ZERO = {
    "frames": "the loudest of these frames",
    "clip": "the loudest of the clip",
    "absolute": "a power of 1",
}
known = (PAPER, AUTHORS, FENG, IMAGES, GTZAN_IMAGES, CLOSE)
pd.DataFrame(
    {
        "ms from frame to frame": [round(1000 * s.step, 1) for s in known],
        "shape": [str(s.shape) for s in known],
        "seconds seen": [round(s.seconds, 1) for s in known],
        "0 dB is": [ZERO[s.reference] for s in known],
        "unit": [s.unit for s in known],
        "coefficients kept": [s.n_mfcc or "–" for s in known],
    },
    index=[s.name for s in known],
)

# %% [markdown]
# **Table.** Ways to make the picture: the paper's text, its authors' code, its forerunner, and what
# others have published.

# %% tags=["hide-input"]
figure, (clip, near, far) = plt.subplots(
    3, 1, figsize=(6.4, 4.2), sharex=True, height_ratios=(5, 4, 4)
)
plots.waveform(y / np.abs(y).max(), ax=clip)
for i, one in enumerate((PAPER, AUTHORS, FENG)):
    look = {"facecolor": "0.85", "hatch": ("///", "...", "xxx")[i], "ec": "0.3"}
    clip.broken_barh([(0, one.seconds)], (-1.6 - 0.6 * i, 0.4), **look)
    words = f"{one.name}: hop {one.hop_length}, {one.n_frames} frames, {one.seconds:.1f} s"
    at = 0.3 if one.seconds > y.size / PAPER.sr * 0.6 else one.seconds + 0.3
    box = {"facecolor": "white", "edgecolor": "none", "pad": 1}
    clip.text(at, -1.4 - 0.6 * i, words, va="center", fontsize="small", bbox=box)
clip.set(ylim=(-2.95, 1.1), yticks=[-1, 0, 1])
plots.spectrogram(mel, PAPER, ax=near, title="paper: twice as fine, half the clip", colorbar=False)
plots.spectrogram(
    spectrogram.log_mel(path, AUTHORS), AUTHORS, ax=far, title="authors: the clip", colorbar=False
)
far.set(xlim=(0, 30))
for ax in (clip, near, far):
    ax.set(ylabel="")
    ax.label_outer()
plots.show(
    figure,
    alt="The clip's waveform with bars under it: paper's frames reach to the middle, the authors' "
    "to the end, Feng's five seconds. Below, on the same axis of time, the two log-mel pictures.",
)

# %% [markdown]
# **Figure.** What 640 frames show of a clip of 30 seconds, by the text and by the code.

# %% tags=["remove-input"]
Markdown(
    f"`PAPER` follows the text and sees {PAPER.seconds:.1f} s; `AUTHORS` is what made the "
    f"published numbers and sees {AUTHORS.seconds:.1f} s, in natural logarithms of the "
    "power. Both are computed as librosa computes them; the tests hold them to it within "
    "a thousandth of a decibel. `FENG` is the plain STFT of a five-second segment that "
    "the paper's forerunner used ([Feng et al., 2017](references.md)); its hop and "
    "decibels are our inference: windows of 1024 give the 513 frequencies, and a hop of "
    "862 lets 128 frames fill five seconds."
)

# %% [markdown]
# Odd clips follow one rule each. A clip that fills at least half of the frames is kept, and what is
# missing is silence; a shorter one is refused. So is a silent one, for it has no loudest point to which
# decibels could refer:

# %%
for name, odd in {"short": y[: 5 * 22050], "silent": 0 * y}.items():
    try:
        spectrogram.log_mel(odd, sr=22050)
    except audio.AudioError as error:
        print(f"{name}: {error}")

# %% [markdown]
# ## Figure 1 of the paper
#
# The paper shows a Folk, an Experimental and an Electronic clip. Here are three: FMA's own where
# `fma_small` lies in your data folder, otherwise synthetic ones.

# %% tags=["hide-input", "nbval-ignore-output"]
try:
    music = prcnn.datasets.load("fma_small", data_home=data_home)
except FileNotFoundError:
    music = clips
names = [g for g in ("Folk", "Experimental", "Electronic") if g in music.genres] or music.genres[:3]
three = {g: music.clips.query("genre == @g")["path"].iloc[0] for g in names}
figure, axes = plt.subplots(1, len(three), figsize=(6.4, 2), sharey=True)
for ax, (genre, clip) in zip(np.atleast_1d(axes), three.items(), strict=True):
    plots.spectrogram(spectrogram.log_mel(clip), ax=ax, title=genre, colorbar=False)
    ax.label_outer()
plots.show(figure, alt="Log-mel spectrograms of three clips: " + ", ".join(three) + ".")

# %% [markdown]
# **Figure.** Three clips as in the paper's Figure 1.
#
# ## A whole dataset, once
#
# `prcnn.store.extract` does it for all clips and keeps the result:

# %%
store = prcnn.store.extract(clips, PAPER, progress=False)
X, labels = store.arrays("test")
print("test split:", X.shape, X.dtype, "left out:", store.failed)

# %% [markdown]
# A store is a folder of plain npy files, one a clip, in float32: the very values that `log_mel` gives. It
# may be killed at any moment and goes on when called again, and a clip that cannot be used is listed with
# the reason. What does not fit in memory comes as `store.stream("training", batch_size=64, shuffle=True)`,
# which Keras' `fit` takes as it is. How it knows a clip again, and how long a hundred thousand take, stands
# on the page about [costs](costs.ipynb).

# %% [markdown]
# ## Summary
#
# - A log-mel spectrogram says how much energy a clip has at each time in each band of frequencies: 640
#   frames by 128 bands. Phase, fine pitch and sharp attacks are lost on the way.
# - The mel scale spaces frequencies, and decibels loudness, as the ear does.
# - With the paper's hop of 512 the 640 frames see half of the clip; with the 1024 that made its numbers,
#   all of it.
# - A store makes each picture once, knows a clip by its content, and survives being killed.
#
# ## Exercises
#
# **Exercise 1 (easy). How many frames?**
# How many frames of hop 512 would show all of a 30-second clip? And which branch of the network would
# get more weights from it: the CNN, the RNN, both, or neither? Decide before you count.
#
# <details><summary>Solution</summary>
#
# One every 512 samples, and one more at the start: $1 + \lfloor 30 \cdot 22050 / 512 \rfloor = 1292$. The
# picture would be twice as long, so the CNN's last pooling would leave 9 × 1 instead of 4 × 1 places of
# 64 features, and the dense layer behind it would grow with it. The recurrent branch would not gain a
# single weight, but take twice the steps.
#
# </details>
#
# **Exercise 2 (medium). Louder.**
# Predict, then run. Multiply `y` by 0.1: by how many decibels does `log_mel` change? Then make only its
# last second ten times as loud: what happens to the *first* second, for `PAPER` and for `AUTHORS`? Which
# would you rather give a network?
#
# <details><summary>Solution</summary>
#
# A factor moves all decibels alike, and so the reference too: nothing changes.
#
#     louder = y.copy()
#     louder[-22050:] *= 10
#     for s in (PAPER, AUTHORS):
#         print(s.name, np.abs(spectrogram.log_mel(y, s, s.sr) - spectrogram.log_mel(louder, s, s.sr)).max())
#
# `PAPER` does not see the last second: 0. `AUTHORS` refers to the whole clip: a bang at the end pushes
# everything before it down, by up to $20 \log_{10} 10 = 20$ dB (4.6 in its natural logarithms), and what
# falls under the floor is lost.
#
# </details>
#
# **Exercise 3 (medium). Half the bytes.**
# Store the clip's log-mel as float16. Where will the error be largest: in the loud places or in the
# soft ones? How large is it, and would a network care? Why does the store use float32 all the same?
#
# <details><summary>Solution</summary>
#
#     error = np.abs(mel - mel.astype(np.float16))
#     print(error.max(), mel.flat[error.argmax()])
#
# float16 has 11 binary digits: between −64 and −80 dB its steps are 1/16 dB, and the error is up to half
# of one, 0.03 dB, in the softest places. No network would notice. But then the store would not hold
# what `log_mel` gives, 0.03 dB is thirty times what the tests allow against librosa, and 35 GB for all
# of FMA is a twenty-fifth of the music itself.
#
# </details>
#
# **Exercise 4 (hard). Feng's segments.**
# Make the six five-second segments of the clip with `FENG` and `offset`. Why must they all be in the
# same split?
#
# <details><summary>Solution</summary>
#
#     segments = [
#         spectrogram.log_mel(path, replace(FENG, name=f"feng-{i}", offset=5.0 * i)) for i in range(6)
#     ]
#     print(np.shape(segments))
#
# Two segments of one clip share the singer, the room and the microphone. With one in training and one
# in the test, a network is asked whether it has heard this recording before, not which genre it is: the
# chapter on leakage measures how much that flatters.
#
# </details>
