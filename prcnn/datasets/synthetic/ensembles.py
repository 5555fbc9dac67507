"""The ensembles of the synthetic dataset: which instrument plays which voice, and how loud.

Each ensemble is one timbre of ``recipes.RECIPES``. An artist's style shifts its instruments
(brightness, decay, tuning of drums, drive), so no two artists sound the same.
"""

from functools import cache

import numpy as np

from . import sounds as syn


def player(timbre, artist, rng):
    """One ensemble in one artist's hands: a function of voice and Hz, which renders a note once.

    The note is float32, already at its place in the ensemble's balance.
    """
    return cache(lambda voice, freq: _ENSEMBLES[timbre](freq, artist, rng)[voice]())


def _pad(f, a, ratios, slope):
    """A held chord note of 3 s under the others: the same in every temporal order."""
    levels = np.arange(1, len(ratios) + 1) ** (-slope * (1.4 - a["bright"]))
    return syn.partials(f, 3.0, ratios, levels, np.full(len(ratios), 6.0), 0.3, 0.003)


def _machine(f, a, rng):
    bright, decay, warp = a["bright"], a["decay"], a["warp"]
    return {
        "pad": lambda: 0.2 * _pad(f, a, np.arange(1, 7), 1.0),
        "chord": lambda: 0.25 * syn.fm(f, decay, a["ratio"], 1 + 3 * bright, decay),
        "bass": lambda: 0.6 * syn.fm(f, decay, 1, 0.5 + bright, decay),
        "lead": lambda: 0.2 * syn.fm(f, decay, a["ratio"] + 1, 1 + 2 * bright, 0.8 * decay),
        "kick": lambda: 0.9 * syn.drum(0.4, 180, 48 * warp, 0.4),
        "snare": lambda: 0.35 * syn.noise(0.25, 900, 5000 * warp, 0.22, rng),
        "hat": lambda: 0.2 * syn.noise(0.12, 6500 * warp, 11000, 0.1, rng),
    }


def _metal(f, a, rng):
    decay, warp = a["decay"], a["warp"]
    ratios, gong = np.array([1, 2.76, 5.4, 8.93]) ** warp, np.array([1, 1.48, 2.1, 2.9]) * warp
    levels = 10 ** (-np.arange(4) * (1.1 - a["bright"]) / 2)
    decays = decay / np.array([1, 1.4, 2.2, 3.5])
    clank = np.array([1, 1.34, 1.87, 2.41, 3.1])
    return {
        "pad": lambda: 0.2 * _pad(f, a, np.array([1, 2, 2.76, 5.4]) ** warp, 1.5),
        "chord": lambda: 0.3 * syn.partials(f, decay, ratios, levels, decays),
        "bass": lambda: 0.5 * syn.partials(f, decay, gong, levels, decays * 1.5, attack=0.01),
        "lead": lambda: 0.25 * syn.partials(2 * f, decay, ratios, levels, decays),
        "kick": lambda: 0.6 * syn.drum(0.5, 140, 85 * warp, 0.5),
        "snare": lambda: 0.25 * syn.partials(780 * warp, 0.3, clank, np.ones(5), np.full(5, 0.25)),
        "hat": lambda: 0.15 * syn.noise(0.12, 3500 * warp, 8000, 0.1, rng),
    }


def _strings(f, a, rng):
    seconds, decay, soft, warp = a["decay"], a["decay"] * 2, a["bright"] * 0.3, a["warp"]
    return {
        "pad": lambda: 0.2 * _pad(f, a, np.arange(1, 9), 2.0),
        "chord": lambda: 0.4 * syn.pluck(f, seconds, rng, soft, decay),
        "bass": lambda: 0.6 * syn.pluck(f, seconds, rng, soft / 2, decay),
        "lead": lambda: 0.4 * syn.pluck(f, seconds, rng, soft, decay),
        "kick": lambda: 0.4 * syn.drum(0.2, 160, 110 * warp, 0.15),
        "snare": lambda: 0.2 * syn.drum(0.1, 700, 420 * warp, 0.08),
        "hat": lambda: 0.03 * syn.noise(0.15, 2000 * warp, 5000, 0.1, rng),
    }


def _band(f, a, rng):
    seconds, decay, warp = a["decay"], a["decay"] * 2, a["warp"]
    organ, hard = np.array([0.5, 1, 1.5, 2, 3, 4]), 0.5 + a["bright"] / 2
    levels, decays = 0.8 ** (np.arange(6) * (1.5 - a["bright"])), np.full(6, decay)
    return {
        "pad": lambda: 0.2 * _pad(f, a, organ, 0.7),
        "chord": lambda: 0.3 * syn.distort(syn.pluck(f, seconds, rng, hard, decay), a["drive"]),
        "bass": lambda: 0.6 * syn.distort(syn.pluck(f, seconds, rng, 0.3, decay), 1.5),
        "lead": lambda: 0.2 * syn.partials(f, seconds / 2, organ, levels, decays, 0.01, 0.004),
        "kick": lambda: 0.8 * syn.drum(0.3, 120, 60 * warp, 0.25),
        "snare": lambda: (
            0.3 * syn.drum(0.3, 320, 190 * warp, 0.2) + 0.35 * syn.noise(0.3, 400, 9000, 0.4, rng)
        ),
        "hat": lambda: 0.3 * syn.noise(0.3, 5000 * warp, 10500, 0.4, rng),
    }


_ENSEMBLES = {"machine": _machine, "metal": _metal, "strings": _strings, "band": _band}
