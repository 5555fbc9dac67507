"""How the synthetic genres are composed: eight genres on a ring of timbres and temporal orders.

Every genre shares its *timbre* (the ensemble) with one neighbour and its *temporal order* (when
and which way round notes sound) with the other, so each of the two alone tells eight genres apart
only in pairs::

    Electronic -machine- Hip-Hop -bursts- International -metal- Experimental -swelling-
    Instrumental -strings- Folk -rippling- Pop -band- Rock -steady- (Electronic)

Genres of one timbre play the same notes equally often; only their order differs, so the mean
spectrum says little about which of the two it is. Artists differ in tempo, key, instruments,
equaliser and room, often by more than neighbouring genres do. Some clips are hybrids, which play
some of their bars as a neighbour would.

Chapter: book/datasets.ipynb
"""

import numpy as np
import pandas as pd

from . import synthesis as syn

SECONDS = 30.0
HYBRIDS = 0.2  # of all clips

# Around the ring: each row shares one of its two words with the row above and one with the below.
RECIPES = pd.DataFrame(
    [
        ("Electronic", "machine", "steady"),
        ("Hip-Hop", "machine", "bursts"),
        ("International", "metal", "bursts"),
        ("Experimental", "metal", "swelling"),
        ("Instrumental", "strings", "swelling"),
        ("Folk", "strings", "rippling"),
        ("Pop", "band", "rippling"),
        ("Rock", "band", "steady"),
    ],
    columns=["genre", "timbre", "order"],
).set_index("genre")

TIMBRES = {
    "machine": "frequency-modulated stabs, sine bass, drum machine",
    "metal": "bells and gongs with inharmonic partials, low tom, shaker",
    "strings": "plucked nylon and steel strings, wood taps, brushes",
    "band": "overdriven guitar, bass, organ, drum kit",
}
ORDERS = {
    "steady": "everything together on the beat",
    "bursts": "rolls of three or four quick hits, then a rest",
    "rippling": "chord notes one after another, evenly",
    "swelling": "as steady, but every sound is played backwards",
}

_SCALES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10)}
_PROGRESSIONS = ((0, 4, 5, 3), (0, 5, 3, 4), (5, 3, 0, 4), (0, 3, 4, 3), (0, 6, 5, 4), (1, 4, 0, 5))
_BURSTS = ((0, 1, 2, 8), (0, 1, 8, 9), (0, 1, 2, 11), (0, 6, 7, 8), (0, 1, 9, 10), (3, 4, 5, 12))


VOICES = ("pad", "chord", "bass", "lead", "kick", "snare", "hat")


def neighbours(genre):
    """The two genres next to ``genre`` on the ring, as a tuple of str."""
    ring = list(RECIPES.index)
    i = ring.index(genre)
    return ring[i - 1], ring[(i + 1) % len(ring)]


def style(rng):
    """An artist's habits, drawn once per artist and shared by all of the artist's clips.

    Returns
    -------
    dict
        ``tempo`` (beats a minute), ``key`` (MIDI note), ``scale``, ``eq_db`` (9 octaves from
        60 Hz), ``balance`` (voice → gain in dB), and what instruments and room need.

    Chapter: book/datasets.ipynb
    """
    tilt = rng.normal(0, 1.5)
    return {
        "tempo": rng.uniform(86, 128),
        "key": int(rng.integers(45, 57)),
        "scale": str(rng.choice(list(_SCALES))),
        "bright": rng.uniform(0.2, 0.8),
        "decay": 0.8 * 2.5 ** rng.random(),
        "ratio": int(rng.integers(1, 4)),
        "warp": rng.uniform(0.92, 1.08),
        "drive": rng.uniform(4, 16),
        "burst": [_BURSTS[i] for i in rng.permutation(len(_BURSTS))[:2]],
        "balance": {v: rng.normal(0, 3.5) for v in VOICES},
        "eq_db": tilt * (np.arange(9) - 4) + rng.normal(0, 4, 9),
        "reverb_seconds": rng.uniform(0.2, 0.7),
        "reverb_level": rng.uniform(0.05, 0.3),
        "hiss_db": rng.uniform(-52, -38),
        "loudness_db": rng.uniform(-22, -12),
    }


def perform(genre, artist, rng, neighbour=None, share=0.0, seconds=SECONDS):
    """Compose and render one clip.

    Parameters
    ----------
    genre : str
        A row of :data:`RECIPES`.
    artist : dict
        From :func:`style`.
    rng : numpy.random.Generator
        Everything in which clips of one artist differ.
    neighbour : str, optional
        The genre that a hybrid borrows from.
    share : float
        Probability that a bar is played as ``neighbour`` would.
    seconds : float
        Length of the clip.

    Returns
    -------
    numpy.ndarray, float32 (round(seconds * SR),)

    Chapter: book/datasets.ipynb
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
        player = players.setdefault(timbre, Player(timbre, artist, rng.spawn(1)[0]))
        root = progression[bar % 4]
        chord = [_pitch(key, scale, root + d) for d in (0, 2, 4, 7)]
        lead = []
        for _ in range(4):
            degree = int(np.clip(degree + rng.integers(-2, 3), 4, 13))
            lead.append(_pitch(key, scale, degree))
        for voice, pitch, at in _score(order, chord, lead, artist["burst"][bar % 2]):
            if voice != "pad" and rng.random() < rests:
                continue
            note = player.note(voice, pitch)
            when = start + at * step + rng.normal(0, 0.004)
            if (
                order == "swelling" and voice != "pad"
            ):  # the swell ends where the note would have begun
                note, when = syn.backwards(note), when + 4 * step - len(note) / syn.SR
            level = artist["balance"][voice] + rng.normal(0, 1.5)
            _place(mix, note, when, 10 ** (level / 20))
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
    first = max(first, 0)
    part = mix[first : first + len(note)]
    part += np.float32(gain) * note[: len(part)]


class Player:
    """One ensemble in one artist's hands; renders each note once and keeps it, as a sampler."""

    def __init__(self, timbre, artist, rng):
        self.render, self.artist, self.rng, self.notes = _ENSEMBLES[timbre], artist, rng, {}

    def note(self, voice, freq):
        """The note's waveform, float32, already at its place in the ensemble's balance."""
        key = voice, round(freq, 3)
        if key not in self.notes:
            self.notes[key] = self.render(voice, freq, self.artist, self.rng)
        return self.notes[key]


def _pad(f, a, ratios, slope):
    """A held chord note of 3 s under the others: the same in every temporal order."""
    levels = np.arange(1, len(ratios) + 1) ** (-slope * (1.4 - a["bright"]))
    return syn.partials(f, 3.0, ratios, levels, np.full(len(ratios), 6.0), 0.3, 0.003)


def _machine(voice, f, a, rng):
    bright, decay = a["bright"], a["decay"]
    match voice:
        case "pad":
            return 0.12 * _pad(f, a, np.arange(1, 7), 1.0)
        case "chord":
            return 0.25 * syn.fm(f, decay, a["ratio"], 1 + 3 * bright, decay)
        case "bass":
            return 0.6 * syn.fm(f, decay, 1, 0.5 + bright, decay)
        case "lead":
            return 0.2 * syn.fm(f, decay, a["ratio"] + 1, 1 + 2 * bright, 0.8 * decay)
        case "kick":
            return 0.9 * syn.drum(0.4, 180, 48 * a["warp"], 0.4)
        case "snare":
            return 0.35 * syn.noise(0.25, 900, 5000 * a["warp"], 0.22, rng)
        case "hat":
            return 0.2 * syn.noise(0.12, 6500 * a["warp"], 11000, 0.1, rng)


def _metal(voice, f, a, rng):
    ratios = np.array([1, 2.76, 5.4, 8.93]) ** a["warp"]
    levels = 10 ** (-np.arange(4) * (1.1 - a["bright"]) / 2)
    decays = a["decay"] / np.array([1, 1.4, 2.2, 3.5])
    match voice:
        case "pad":
            return 0.12 * _pad(f, a, np.array([1, 2, 2.76, 5.4]) ** a["warp"], 1.5)
        case "chord":
            return 0.3 * syn.partials(f, a["decay"], ratios, levels, decays)
        case "bass":
            gong = np.array([1, 1.48, 2.1, 2.9]) * a["warp"]
            return 0.5 * syn.partials(f, a["decay"], gong, levels, decays * 1.5, attack=0.01)
        case "lead":
            return 0.25 * syn.partials(2 * f, a["decay"], ratios, levels, decays)
        case "kick":
            return 0.6 * syn.drum(0.5, 140, 85 * a["warp"], 0.5)
        case "snare":
            clank = np.array([1, 1.34, 1.87, 2.41, 3.1])
            return 0.25 * syn.partials(780 * a["warp"], 0.3, clank, np.ones(5), np.full(5, 0.25))
        case "hat":
            return 0.15 * syn.noise(0.12, 3500 * a["warp"], 8000, 0.1, rng)


def _strings(voice, f, a, rng):
    decay = a["decay"] * 2
    match voice:
        case "pad":
            return 0.12 * _pad(f, a, np.arange(1, 9), 1.2)
        case "chord":
            return 0.4 * syn.pluck(f, a["decay"], rng, a["bright"], decay)
        case "bass":
            return 0.6 * syn.pluck(f, a["decay"], rng, a["bright"] / 2, decay)
        case "lead":
            return 0.4 * syn.pluck(f, a["decay"], rng, a["bright"], decay)
        case "kick":
            return 0.4 * syn.drum(0.2, 160, 110 * a["warp"], 0.15)
        case "snare":
            return 0.2 * syn.drum(0.1, 700, 420 * a["warp"], 0.08)
        case "hat":
            return 0.05 * syn.noise(0.15, 2500 * a["warp"], 9000, 0.12, rng)


def _band(voice, f, a, rng):
    decay = a["decay"] * 2
    match voice:
        case "pad":
            return 0.12 * _pad(f, a, np.array([0.5, 1, 1.5, 2, 3, 4]), 1.0)
        case "chord":
            string = syn.pluck(f, a["decay"], rng, a["bright"], decay)
            return 0.3 * syn.distort(string, a["drive"])
        case "bass":
            return 0.6 * syn.distort(syn.pluck(f, a["decay"], rng, 0.3, decay), 1.5)
        case "lead":
            ratios = np.array([0.5, 1, 1.5, 2, 3, 4])
            levels = 0.8 ** (np.arange(6) * (1.5 - a["bright"]))
            decays = np.full(6, 2 * a["decay"])
            return 0.2 * syn.partials(f, a["decay"] / 2, ratios, levels, decays, 0.01, 0.004)
        case "kick":
            return 0.8 * syn.drum(0.3, 120, 60 * a["warp"], 0.25)
        case "snare":
            skin = syn.drum(0.3, 320, 190 * a["warp"], 0.2)
            return 0.3 * skin + 0.35 * syn.noise(0.3, 400, 9000, 0.3, rng)
        case "hat":
            return 0.2 * syn.noise(0.2, 5000 * a["warp"], 10500, 0.2, rng)


_ENSEMBLES = {"machine": _machine, "metal": _metal, "strings": _strings, "band": _band}
