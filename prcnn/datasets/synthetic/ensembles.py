"""The ensembles of the synthetic dataset: which instrument plays which voice, and how loud.

Each ensemble is one timbre of ``recipes.RECIPES``. An artist's style shifts
its instruments (brightness, decay, tuning of drums, drive), so no two artists sound the same.

Chapter: book/datasets.ipynb
"""

import numpy as np

from . import sounds as syn


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
            return 0.2 * _pad(f, a, np.arange(1, 7), 1.0)
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
            return 0.2 * _pad(f, a, np.array([1, 2, 2.76, 5.4]) ** a["warp"], 1.5)
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
    decay, soft = a["decay"] * 2, a["bright"] * 0.3
    match voice:
        case "pad":
            return 0.2 * _pad(f, a, np.arange(1, 9), 2.0)
        case "chord":
            return 0.4 * syn.pluck(f, a["decay"], rng, soft, decay)
        case "bass":
            return 0.6 * syn.pluck(f, a["decay"], rng, soft / 2, decay)
        case "lead":
            return 0.4 * syn.pluck(f, a["decay"], rng, soft, decay)
        case "kick":
            return 0.4 * syn.drum(0.2, 160, 110 * a["warp"], 0.15)
        case "snare":
            return 0.2 * syn.drum(0.1, 700, 420 * a["warp"], 0.08)
        case "hat":
            return 0.03 * syn.noise(0.15, 2000 * a["warp"], 5000, 0.1, rng)


def _band(voice, f, a, rng):
    decay = a["decay"] * 2
    match voice:
        case "pad":
            return 0.2 * _pad(f, a, np.array([0.5, 1, 1.5, 2, 3, 4]), 0.7)
        case "chord":
            string = syn.pluck(f, a["decay"], rng, 0.5 + a["bright"] / 2, decay)
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
            return 0.3 * skin + 0.35 * syn.noise(0.3, 400, 9000, 0.4, rng)
        case "hat":
            return 0.3 * syn.noise(0.3, 5000 * a["warp"], 10500, 0.4, rng)


_ENSEMBLES = {"machine": _machine, "metal": _metal, "strings": _strings, "band": _band}
