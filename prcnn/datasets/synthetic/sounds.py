"""Instruments and effects of the synthetic dataset: numbers in, sound out.

Every instrument is one formula a student can change and hear. Waveforms are mono float32 at
22,050 Hz; a note has ``round(seconds * SR)`` samples, its peak is 1, and ``decay`` is how many
seconds it takes to lose 60 dB. Nothing here multiplies matrices: BLAS may sum in another order with
another number of threads, and the same seed must give the same bytes.

Chapter: book/datasets.ipynb
"""

import numpy as np
from scipy import fft, signal

SR = 22050
CEILING = np.float32(0.6)  # MP3 overshoots by up to a half: room for it, so that nothing clips


def pluck(freq, seconds, rng, brightness=0.5, decay=1.0):
    """A plucked string, after Karplus and Strong (1983).

    One period of noise goes round a delay line whose feedback averages neighbouring samples, so
    that high partials fade first, as on a string. ``freq`` is the fundamental in Hz, ``brightness``
    0 (soft finger) to 1 (hard pick); ``rng`` draws the noise of the attack.
    """
    n, period = _length(seconds), max(int(SR / freq), 2)
    line = rng.uniform(-1, 1, period).astype(np.float32)
    soften = np.float32(1 - brightness)
    for _ in range(3):  # a soft finger excites few high partials
        line = (line + soften * np.roll(line, 1)) / (1 + soften)
    feedback = np.float32(0.5 * 10 ** (-3 / (decay * freq)))
    turns, last = [], line[-1:]
    for _ in range(int(n / SR * freq) + 2):
        turns.append(line)
        before, last = np.concatenate([last, line[:-1]]), line[-1:]
        line = feedback * (line + before)
    note = np.concatenate(turns)
    # The delay line holds whole samples; reading it at a slightly other speed puts it in tune.
    # The average of two neighbours delays by half a sample more.
    speed = freq * (period + 0.5) / SR
    return _finish(np.interp(np.arange(n) * speed, np.arange(len(note)), note))


def partials(freq, seconds, ratios, levels, decays, attack=0.003, vibrato=0.0):
    """A sum of decaying sine waves: an organ, a saw-like pad, a bell or a gong.

    ``ratios``, ``levels`` and ``decays`` give each partial's frequency over ``freq`` (in Hz), its
    amplitude and decay; those above 95 % of the Nyquist frequency are left out. ``attack`` is the
    seconds of a linear rise, ``vibrato`` the depth of one of 5.5 Hz as a fraction of the frequency.
    """
    t = np.arange(_length(seconds), dtype=np.float32) / np.float32(SR)
    phase = t if not vibrato else t + vibrato / 34.6 * np.sin(34.6 * t)
    note = np.zeros_like(t)
    for ratio, level, decay in zip(ratios, levels, decays, strict=True):
        if freq * ratio < 0.475 * SR:
            angle = np.float32(2 * np.pi * freq * ratio) * phase
            note += np.float32(level) * np.exp(np.float32(-6.9 / decay) * t) * np.sin(angle)
    return _finish(note * np.minimum(t / np.float32(attack), 1))


def fm(freq, seconds, ratio=2.0, index=2.0, decay=1.0):
    """A note by frequency modulation, after Chowning (1973): bright at first, then a sine.

    ``freq`` is the carrier's in Hz, ``ratio`` the modulator's over it (whole numbers sound
    harmonic), ``index`` the depth of the modulation at the attack, in radians; it fades twice as
    fast as the note.
    """
    t = np.arange(_length(seconds), dtype=np.float32) / np.float32(SR)
    fade = np.exp(np.float32(-6.9 / decay) * t)
    angle = np.float32(2 * np.pi * freq) * t
    return _finish(fade * np.sin(angle + np.float32(index) * fade**2 * np.sin(ratio * angle)))


def drum(seconds, start, end, decay, fall=0.04):
    """A drum skin: a sine that falls from ``start`` to ``end`` Hz within about ``fall`` seconds."""
    t = np.arange(_length(seconds)) / SR
    cycles = end * t + (start - end) * fall * (1 - np.exp(-t / fall))
    return _finish(np.sin(2 * np.pi * cycles) * np.exp(-6.9 / decay * t))


def noise(seconds, low, high, decay, rng):
    """Filtered noise that dies away: snares, claps, hats, shakers.

    The edges of the band, ``low`` and ``high`` in Hz, fall off over a third of an octave.
    """
    n = _length(seconds)
    white = fft.rfft(rng.standard_normal(n))
    octave = np.log2(np.maximum(fft.rfftfreq(n, 1 / SR), 1.0))
    edges = np.clip((octave - np.log2(low)) * 3 + 1, 0, 1)
    edges *= np.clip((np.log2(high) - octave) * 3 + 1, 0, 1)
    t = np.arange(n) / SR
    return _finish(fft.irfft(white * edges, n) * np.exp(-6.9 / decay * t))


def distort(note, drive):
    """An overdriven amplifier: ``tanh`` of the note times ``drive``; peak 1, float32."""
    return np.tanh(np.float32(drive) * note) / np.float32(np.tanh(drive))


def master(mix, eq_db, reverb_seconds, reverb_level, hiss_db, loudness_db, rng):
    """What a studio does to a dry mix: equaliser and room, tape hiss, loudness.

    ``eq_db`` are gains in dB at octaves from 60 Hz upwards, joined by straight lines in
    log-frequency; ``reverb_seconds`` and ``reverb_level`` the length (60 dB) of the room's decaying
    noise and its amplitude against the dry sound; ``hiss_db`` the level of the hiss below the
    music, ``loudness_db`` the root mean square of the result below full scale; ``rng`` draws room
    and hiss. float32 (n,), never above 0.6 in magnitude: loud peaks are rounded off, as by a
    limiter.
    """
    n = len(mix)
    tail = _length(reverb_seconds)
    size = fft.next_fast_len(n + tail, real=True)
    room = rng.standard_normal(tail) * np.exp(-6.9 * np.arange(tail) / tail)
    room *= reverb_level / np.sqrt(np.sum(room**2))
    room[0] += 1
    frequencies = fft.rfftfreq(size, 1 / SR).astype(np.float32)
    octave = np.log2(np.maximum(frequencies, 30) / 60)
    decibels = np.interp(octave, np.arange(len(eq_db)), eq_db).astype(np.float32)
    spectrum = fft.rfft(mix, size) * fft.rfft(room.astype(np.float32), size)
    spectrum *= 10 ** (decibels / 20)
    spectrum[frequencies < 25] = 0  # no direct current, no rumble
    wet = fft.irfft(spectrum, size)[:n]
    wet /= np.sqrt(np.mean(wet**2))
    wet += np.float32(10 ** (hiss_db / 20)) * rng.standard_normal(n, dtype=np.float32)
    wet *= np.float32(10 ** (loudness_db / 20))
    return (CEILING * np.tanh(wet / CEILING)).astype(np.float32)


def _length(seconds):
    return round(seconds * SR)


def _finish(note):
    """Peak 1 and no click at the end."""
    note = np.asarray(note, dtype=np.float32)
    fade = min(len(note) // 4, 200)
    note[len(note) - fade :] *= signal.windows.hann(2 * fade)[fade:].astype(np.float32)
    return note / max(float(np.max(np.abs(note))), 1e-9)
