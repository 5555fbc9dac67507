"""How the synthetic genres are composed: eight genres on a ring of timbres and temporal orders.

Every genre shares its *timbre* (the ensemble) with one neighbour and its *temporal order* (when
and which way round notes sound) with the other, so each of the two alone tells eight genres apart
only in pairs::

    Electronic -machine- Hip-Hop -bursts- International -metal- Experimental -swelling-
    Instrumental -strings- Folk -rippling- Pop -band- Rock -steady- (Electronic)

Genres of one timbre play the same notes equally often; only their order differs, so the mean
spectrum says little about which of the two it is. Artists differ in tempo, key, instruments,
equaliser and room, often by more than neighbouring genres do; key, scale and chord progression
never tell a genre. Some clips are hybrids, which play some of their bars as a neighbour would.

The genres were not designed blind: recipes and artists' habits were changed while looking at what
linear models and networks made of the clips, until neither the mean spectrum nor a network solved
them. A result on this set is about these recipes, then, and no evidence about music.

Chapter: book/datasets.ipynb
"""

import numpy as np
import pandas as pd

from . import sounds as syn
from .ensembles import player

SECONDS = 30.0
HYBRIDS = 0.2  # of all clips

# Around the ring: each row shares one of its two words with the row above and one with the below.
# Timbres: machine: frequency-modulated stabs, sine bass, drum machine; metal: bells and gongs with
# inharmonic partials, low tom, shaker; strings: plucked strings, wood taps, brushes; band:
# overdriven guitar, bass, organ, drum kit.
# Orders: steady: everything together on the beat; bursts: two or three quick hits, then a rest;
# rippling: chord notes one after another, evenly; swelling: as steady, every sound backwards.
RECIPES = pd.DataFrame.from_dict(
    {
        "Electronic": ("machine", "steady"),
        "Hip-Hop": ("machine", "bursts"),
        "International": ("metal", "bursts"),
        "Experimental": ("metal", "swelling"),
        "Instrumental": ("strings", "swelling"),
        "Folk": ("strings", "rippling"),
        "Pop": ("band", "rippling"),
        "Rock": ("band", "steady"),
    },
    orient="index",
    columns=["timbre", "order"],
).rename_axis("genre")

_SCALES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10)}
_PROGRESSIONS = ((0, 4, 5, 3), (0, 5, 3, 4), (5, 3, 0, 4), (0, 3, 4, 3), (0, 6, 5, 4), (1, 4, 0, 5))
_BURSTS = ((0, 1, 2, 8), (0, 1, 8, 9), (0, 1, 2, 11), (0, 6, 7, 8), (0, 1, 9, 10), (3, 4, 5, 12))
VOICES = ("pad", "chord", "bass", "lead", "kick", "snare", "hat")


def neighbours(genre):
    """The two genres next to ``genre`` on the ring, as a tuple of str."""
    i, n = RECIPES.index.get_loc(genre), len(RECIPES)
    return RECIPES.index[i - 1], RECIPES.index[(i + 1) % n]


def style(rng):
    """An artist's habits, drawn once per artist and shared by all of the artist's clips.

    A dict: ``tempo`` (beats a minute), ``key`` (MIDI note), ``scale``, ``eq_db`` (9 octaves from
    60 Hz), ``balance`` (voice → gain in dB), and what instruments and room need.
    """
    tilt = rng.normal(0, 1.5)
    return {
        "tempo": rng.uniform(86, 128),
        "key": int(rng.integers(45, 57)),
        "scale": str(rng.choice(list(_SCALES))),
        "bright": rng.uniform(0.2, 0.8),
        "decay": 2.2 ** rng.random(),
        "ratio": int(rng.integers(1, 4)),
        "warp": rng.uniform(0.92, 1.08),
        "drive": rng.uniform(4, 16),
        "burst": [_BURSTS[i] for i in rng.permutation(len(_BURSTS))[:2]],
        "balance": {v: rng.normal(0, 3.5) for v in VOICES},
        "eq_db": tilt * (np.arange(9) - 4) + rng.normal(0, 4, 9),
        "reverb_seconds": rng.uniform(0.2, 0.7),
        "reverb_level": rng.uniform(0.05, 0.3),
        "hiss_db": rng.uniform(-50, -32),
        "loudness_db": rng.uniform(-27.5, -17.5),
    }


def perform(genre, artist, rng, neighbour=None, share=0.0, seconds=SECONDS):
    """Compose and render one clip: float32 (round(seconds * SR),).

    ``genre`` is a row of :data:`RECIPES`, ``artist`` from :func:`style`; ``rng`` draws all in which
    clips of one artist differ. In a hybrid, a bar is played as the ``neighbour`` would with the
    probability ``share``.
    """
    tempo = artist["tempo"] * rng.uniform(0.97, 1.03)
    key = artist["key"] + int(rng.choice([-5, 0, 0, 2]))
    scale = _SCALES[artist["scale"]]
    progression = _PROGRESSIONS[rng.integers(len(_PROGRESSIONS))]
    step, rests = 60 / tempo / 4, rng.uniform(0, 0.3)
    mix = np.zeros(round((seconds + 4) * syn.SR), dtype=np.float32)
    players, start, bar, degree = {}, -rng.uniform(0, 16) * step, 0, 7
    while start < seconds:
        played_as = neighbour if neighbour and rng.random() < share else genre
        timbre, order = RECIPES.loc[played_as]
        note = players.setdefault(timbre, player(timbre, artist, rng.spawn(1)[0]))
        root = progression[bar % 4]
        chord = [_pitch(key, scale, root + d) for d in (0, 2, 4, 7)]
        lead = []
        for _ in range(4):
            degree = int(np.clip(degree + rng.integers(-2, 3), 4, 13))
            lead.append(_pitch(key, scale, degree))
        for voice, pitch, at in _score(order, chord, lead, artist["burst"][bar % 2]):
            if voice != "pad" and rng.random() < rests:
                continue
            y, when = note(voice, pitch), start + at * step + rng.normal(0, 0.004)
            if order == "swelling" and voice != "pad":
                # Reversed, of the same mean spectrum; it ends where the next on the beat begins.
                y, when = y[::-1], when + 4 * step - len(y) / syn.SR
            level = artist["balance"][voice] + rng.normal(0, 1.5)
            _place(mix, y, when, 10 ** (level / 20))
        start, bar = start + 16 * step, bar + 1
    n = round(seconds * syn.SR)
    room = {k: artist[k] for k in ("eq_db", "reverb_seconds", "reverb_level", "hiss_db")}
    return syn.master(mix[:n], **room, loudness_db=artist["loudness_db"], rng=rng)


def _pitch(key, scale, degree):
    """Frequency in Hz of a scale degree; degree 7 is an octave above degree 0."""
    midi = key + 12 * (degree // 7) + scale[degree % 7]
    return 440 * 2 ** ((midi - 69) / 12)


def _score(order, chord, lead, burst):
    """One bar of 16 steps: (voice, frequency, step) of every hit.

    Whatever the order, each of the four chord notes sounds four times, bass and lead four times,
    kick and snare twice, the hat eight times and the pad once: only *when* differs.
    """
    when = burst if order == "bursts" else (0, 4, 8, 12)
    hits = {"chord": when, "bass": when, "lead": when, "hat": range(0, 16, 2)}
    hits |= {"kick": when[::2], "snare": when[1::2]}
    if order == "rippling":
        hits["lead"] = (2, 6, 10, 14)
    for i, pitch in enumerate(chord):
        yield "pad", pitch, 0
        for at in hits["chord"]:
            yield "chord", pitch, at + i if order == "rippling" else at
    for i in range(4):
        yield "bass", chord[0] / 2, hits["bass"][i]
        yield "lead", lead[i] * 2, hits["lead"][i]
    for voice in ("kick", "snare", "hat"):
        for at in hits[voice]:
            yield voice, 0, at


def _place(mix, note, when, gain):
    first = round(when * syn.SR)
    note = note[max(-first, 0) :]
    part = mix[max(first, 0) :][: len(note)]
    part += np.float32(gain) * note[: len(part)]
