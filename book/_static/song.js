// Your song, heard on the page by the weights that come with prcnn. The browser decodes it, a worker
// draws the pictures and runs the network, and nothing leaves this machine. What is done is what
// prcnn.classify does (prcnn/listening/song.py, prcnn/models/beyond.py; mel.js has the front end), and
// tests/check_song.py holds the two to each other. book/_ext/song.py writes what is known: SONG.
(() => {
  const LONGEST = 15 * 60, RECORDED = 10;  // seconds: what a phone's memory bears; what is recorded
  const WORKERS = Math.max(1, Math.min(4, (navigator.hardwareConcurrency || 2) - 1));

  // ---- The worker: its text is all it has. A window of samples in, decibels and probabilities out.
  function worker() {
    let picture, network;

    // The log-mel picture of settings `images`: power of every band in 128 frames, and the loudest.
    function pictures({settings, silence}) {
      const {n_fft, hop_length, n_mels, n_frames} = settings, half = n_fft / 2;
      const {frame, hann, heaviest} = melFrontEnd(settings);

      return y => {
        const frames = 1 + Math.floor(y.length / hop_length), kept = new Float32Array(n_frames * n_mels);
        for (let i = 0; i < n_frames; i++) {
          frame(y, Math.floor((i + 0.5) * frames / n_frames), kept.subarray(i * n_mels, (i + 1) * n_mels));
        }
        let loudest = kept.reduce((most, value) => Math.max(most, value), 0);
        // The reference is the loudest of all frames. No band holds more than the heaviest weight
        // times the window's energy (Parseval), so most frames need no transform.
        const one = new Float32Array(n_mels);
        for (let i = 0; i < frames; i++) {
          let energy = 0;
          const from = i * hop_length - half;
          for (let at = Math.max(0, from); at < Math.min(y.length, from + n_fft); at++) {
            const value = y[at] * hann[at - from];
            energy += value * value;
          }
          if (energy * half * heaviest > loudest) {
            frame(y, i, one);
            loudest = one.reduce((most, value) => Math.max(most, value), loudest);
          }
        }
        return loudest > silence ? {levels: kept.map(value => 10 * Math.log10(Math.max(value, silence))),
          top: 10 * Math.log10(Math.fround(loudest))} : null;
      };
    }

    // The network `beyond`. Maps lie as (time, mel, channel); shapes come from the weights.
    function beyond({arrays, weights, genres}) {
      const bytes = Uint8Array.from(atob(weights), c => c.charCodeAt(0)), view = new DataView(bytes.buffer);
      const half = bits => {
        const exponent = bits >> 10 & 31, fraction = bits & 1023, sign = bits >> 15 ? -1 : 1;
        return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -24 * fraction);
      };
      const w = {};
      let at = 0;
      for (const [name, size, shape] of arrays) {
        const values = new Float64Array(shape.reduce((a, b) => a * b, 1));
        for (let i = 0; i < values.length; i++, at += size) {
          values[i] = size === 2 ? half(view.getUint16(at, true)) : view.getFloat32(at, true);
        }
        w[name] = Object.assign(values, {shape});
      }
      const normed = name => {  // batch normalisation is a factor and an addend a channel
        const factor = w[name + "/0"].map((g, i) => g / Math.sqrt(w[name + "/3"][i] + 1e-3));
        return [factor, w[name + "/1"].map((b, i) => b - w[name + "/2"][i] * factor[i])];
      };
      // Kernels in blocks of four filters, which are computed together.
      const kernels = {};
      for (const name in w) {
        if (!name.startsWith("conv_")) continue;
        const n = w[name].shape[3], packed = new Float64Array(w[name].length), deep = packed.length / n;
        for (let k = 0; k < deep; k++) {
          for (let c = 0; c < n; c++) packed[((c >> 2) * deep + k) * 4 + (c & 3)] = w[name][k * n + c];
        }
        kernels[name.slice(0, 6)] = packed;
      }

      function convolve(map, i, stride = 1, pool = 1) {
        const name = "conv_" + i, [size, , deep, filters] = w[name + "/0"].shape, packed = kernels[name];
        const [time, mel] = [map.time / stride, map.mel / stride], lack = size - stride, before = lack >> 1;
        const wide = (map.mel + lack) * deep, padded = new Float64Array((map.time + lack) * wide);
        for (let t = 0; t < map.time; t++) {
          padded.set(map.values.subarray(t * map.mel * deep, (t + 1) * map.mel * deep),
            (t + before) * wide + before * deep);
        }
        const out = new Float64Array(time * mel * filters), row = size * deep, next = stride * deep;
        for (let c = 0; c < filters; c += 4) {
          for (let t = 0; t < time; t++) {
            for (let m = 0; m < mel; m += 4) {
              let a0 = 0, a1 = 0, a2 = 0, a3 = 0, b0 = 0, b1 = 0, b2 = 0, b3 = 0;
              let c0 = 0, c1 = 0, c2 = 0, c3 = 0, d0 = 0, d1 = 0, d2 = 0, d3 = 0;
              let k = c * row * size;
              for (let line = 0; line < size; line++) {
                let x = (t * stride + line) * wide + m * next;
                for (const end = x + row; x < end; x++, k += 4) {
                  const k0 = packed[k], k1 = packed[k + 1], k2 = packed[k + 2], k3 = packed[k + 3];
                  const a = padded[x], b = padded[x + next], e = padded[x + 2 * next], d = padded[x + 3 * next];
                  a0 += a * k0; a1 += a * k1; a2 += a * k2; a3 += a * k3;
                  b0 += b * k0; b1 += b * k1; b2 += b * k2; b3 += b * k3;
                  c0 += e * k0; c1 += e * k1; c2 += e * k2; c3 += e * k3;
                  d0 += d * k0; d1 += d * k1; d2 += d * k2; d3 += d * k3;
                }
              }
              const o = (t * mel + m) * filters + c;
              out[o] = a0; out[o + 1] = a1; out[o + 2] = a2; out[o + 3] = a3;
              out[o + filters] = b0; out[o + filters + 1] = b1; out[o + filters + 2] = b2; out[o + filters + 3] = b3;
              out[o + 2 * filters] = c0; out[o + 2 * filters + 1] = c1;
              out[o + 2 * filters + 2] = c2; out[o + 2 * filters + 3] = c3;
              out[o + 3 * filters] = d0; out[o + 3 * filters + 1] = d1;
              out[o + 3 * filters + 2] = d2; out[o + 3 * filters + 3] = d3;
            }
          }
        }
        const [factor, addend] = normed("norm_" + i), done = new Float64Array(out.length / pool / pool);
        for (let t = 0, o = 0; t < time; t += pool) {
          for (let m = 0; m < mel; m += pool) {
            for (let c = 0; c < filters; c++, o++) {
              let most = -Infinity;
              for (let p = 0; p < pool; p++) {
                for (let q = 0; q < pool; q++) most = Math.max(most, out[((t + p) * mel + m + q) * filters + c]);
              }
              done[o] = Math.max(0, most * factor[c] + addend[c]);
            }
          }
        }
        return {values: done, time: time / pool, mel: mel / pool, deep: filters};
      }

      function cnn(map) {
        map = convolve(map, 1, 2);
        for (let i = 2; kernels["conv_" + i]; i++) {
          const last = !kernels["conv_" + (i + 2)];
          map = convolve(map, i, 1, i % 2 && !last ? 2 : 1);
        }
        const {values, time, mel, deep} = map, mean = new Float64Array(deep), max = new Float64Array(deep).fill(-Infinity);
        for (let t = 0; t < time; t++) {
          for (let c = 0; c < deep; c++) {
            let sum = 0, most = -Infinity;
            for (let m = 0; m < mel; m++) {
              const value = values[(t * mel + m) * deep + c];
              sum += value;
              most = Math.max(most, value);
            }
            const both = sum / mel + most;
            mean[c] += both / time;
            max[c] = Math.max(max[c], both);
          }
        }
        return [...mean, ...max];
      }

      const sigmoid = x => 1 / (1 + Math.exp(-x));
      const product = (x, matrix, into) => {
        const n = into.length;
        x.forEach((value, i) => { for (let j = 0; j < n; j++) into[j] += value * matrix[i * n + j]; });
        return into;
      };
      function gru(steps, first) {  // reset_after: two vectors of bias
        const [kernel, recurrent, bias] = [0, 1, 2].map(i => w[`gru/${first + i}`]);
        const n = recurrent.shape[0];
        let h = new Float64Array(n);
        return steps.map(step => {
          const x = product(step, kernel, bias.slice(0, 3 * n)), s = product(h, recurrent, bias.slice(3 * n));
          h = h.map((old, i) => {
            const z = sigmoid(x[i] + s[i]), r = sigmoid(x[n + i] + s[n + i]);
            return z * old + (1 - z) * Math.tanh(x[2 * n + i] + r * s[2 * n + i]);
          });
          return h;
        });
      }
      function rnn({values, time, mel}) {
        const steps = [];
        for (let t = 0; t < time; t += 2) {
          const step = new Float64Array(mel / 2);
          for (let m = 0; m < mel; m++) {
            step[m >> 1] += (values[t * mel + m] + values[(t + 1) * mel + m]) / 4;
          }
          steps.push(step);
        }
        const there = gru(steps, 0), back = gru(steps.slice().reverse(), 3).reverse();
        const states = there.map((state, t) => [...state, ...back[t]]);
        const attention = softmax(states.map(state => {
          const hidden = product(state, w["attention_hidden/0"], w["attention_hidden/1"].slice());
          return hidden.reduce((sum, value, i) => sum + Math.tanh(value) * w["attention_scores/0"][i], 0);
        }));
        return states[0].map((_, i) => states.reduce((sum, state, t) => sum + attention[t] * state[i], 0));
      }
      function softmax(scores) {
        const most = Math.max(...scores), powers = [...scores].map(score => Math.exp(score - most));
        const sum = powers.reduce((a, b) => a + b);
        return powers.map(power => power / sum);
      }

      return (mel, time) => {  // decibels, (time, bands)
        const bands = mel.length / time;
        const deviations = w["scale/1"].map(variance => Math.sqrt(variance > 1e-6 ? variance : 1));
        const values = Float64Array.from(mel, (level, i) => (level - w["scale/0"][i % bands]) / deviations[i % bands]);
        const map = {values, time, mel: bands, deep: 1}, [factor, addend] = normed("balance");
        const joined = [...cnn(map), ...rnn(map)].map((value, i) => value * factor[i] + addend[i]);
        return softmax(product(joined, w["genre/0"], w["genre/1"].slice(0, genres.length)));
      };
    }

    onmessage = ({data}) => {
      if (data.known) {
        picture = pictures(data.known);
        network = beyond(data.known);
        network.floor = -data.known.settings.top_db;
        network.frames = data.known.settings.n_frames;
        return;
      }
      const {song, i, y} = data, seen = picture(y);
      if (!seen) return postMessage({song, i, said: null});
      const mel = seen.levels.map(level => Math.max(level - seen.top, network.floor));
      const bands = mel.length / network.frames, loud = new Float64Array(bands);
      mel.forEach((level, at) => { loud[at % bands] += level > 0.99 * network.floor; });
      postMessage({song, i, said: network(mel, network.frames), levels: seen.levels, loud}, [seen.levels.buffer]);
    };
  }

  // ---- Small helpers
  const make = (name, attributes = {}, ...children) => {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.append(...children);
    return element;
  };
  const clock = seconds => `${Math.floor(Math.round(seconds) / 60)}:${String(Math.round(seconds) % 60).padStart(2, "0")}`;
  const percent = share => `${(100 * share).toFixed(1)} %`;  // as prcnn.evaluation.percent; it decides, too
  class Sentence extends Error {}  // what the reader is told

  async function knowledge() {
    if (!window.SONG) await bookScript("song_weights.js");
    return window.SONG;
  }

  // ---- A file becomes samples. At 44.1 kHz, whatever the sound card has: another rate is another
  // picture. The player reads the length from the header, before an hour is decoded into memory.
  function lengthOf(url) {
    return new Promise(resolve => {
      const probe = new Audio();
      probe.preload = "metadata";
      probe.onloadedmetadata = () => resolve(probe.duration);
      probe.onerror = () => resolve(NaN);
      setTimeout(() => resolve(NaN), 5000);
      probe.src = url;
    });
  }

  async function decode(blob, name, sr) {
    const long = what => new Sentence(`${name} ${what}. This page hears up to ${LONGEST / 60} minutes at once; `
      + "in Python, prcnn.classify takes any length.");
    const url = URL.createObjectURL(blob), seconds = blob.size ? await lengthOf(url) : NaN;
    URL.revokeObjectURL(url);
    if (Number.isFinite(seconds) ? seconds > LONGEST : blob.size > 100e6) {
      throw long(Number.isFinite(seconds) ? `lasts ${clock(seconds)}` : "is very large");
    }
    let sound;
    try {
      sound = await new OfflineAudioContext(1, 1, sr).decodeAudioData(await blob.arrayBuffer());
    } catch {
      throw new Sentence(`${name} cannot be decoded: it is damaged, or no sound that this browser knows.`);
    }
    if (sound.duration > LONGEST) throw long(`lasts ${clock(sound.duration)}`);
    const y = sound.getChannelData(0).slice();
    for (let channel = 1; channel < sound.numberOfChannels; channel++) {
      const other = sound.getChannelData(channel);
      for (let i = 0; i < y.length; i++) y[i] += other[i];
    }
    if (sound.numberOfChannels > 1) for (let i = 0; i < y.length; i++) y[i] /= sound.numberOfChannels;
    return y;
  }

  // First samples of the windows, and their length: prcnn.listening.song._windows.
  function windows(n, {settings: {sr}, window, rest}) {
    const length = Math.round(window * sr), left = Math.round(rest * sr), starts = [];
    if (n <= length + left) return {starts: [0], length: n};
    for (let at = 0; at <= n - length; at += length / 2) starts.push(Math.round(at));
    if (n - length - starts.at(-1) > left) starts.push(n - length);
    return {starts, length};
  }

  // Samples as a WAV, to play what was recorded.
  function wav(y, sr) {
    const view = new DataView(new ArrayBuffer(44 + 2 * y.length));
    const text = (at, word) => [...word].forEach((c, i) => view.setUint8(at + i, c.charCodeAt(0)));
    text(0, "RIFF"); view.setUint32(4, 36 + 2 * y.length, true); text(8, "WAVEfmt ");
    view.setUint32(16, 16, true); view.setUint16(20, 1, true); view.setUint16(22, 1, true);
    view.setUint32(24, sr, true); view.setUint32(28, 2 * sr, true); view.setUint16(32, 2, true);
    view.setUint16(34, 16, true); text(36, "data"); view.setUint32(40, 2 * y.length, true);
    y.forEach((value, i) => view.setInt16(44 + 2 * i, 32767 * Math.max(-1, Math.min(1, value)), true));
    return new Blob([view], {type: "audio/wav"});
  }

  // ---- The page
  function open(place) {
    const button = (text, act) => {
      const element = make("button", {type: "button"}, text);
      element.addEventListener("click", act);
      return element;
    };
    const input = make("input", {type: "file", accept: "audio/*,video/mp4,video/webm", hidden: ""});
    input.addEventListener("change", () => {
      if (input.files.length) take(input.files[0], input.files[0].name);
      input.value = "";
    });
    const recorder = button(`Record ${RECORDED} seconds`, record);
    const choices = make("div", {class: "choices"}, button("Choose a song", () => input.click()), recorder,
      ...["first", "second"].map((which, i) => button(`Take the ${which} example`, () => example(i + 1, which))));
    const says = make("p", {class: "song-says", role: "status"});
    const bar = make("progress", {"aria-label": "Windows heard"}), stage = make("div", {class: "song-stage"});
    bar.hidden = stage.hidden = true;
    place.replaceChildren(make("div", {class: "song-drop"},
      make("p", {}, make("strong", {}, "Drop a song anywhere on this page"), " (MP3, M4A, WAV, FLAC, Ogg). It stays on your machine: "
        + "your browser decodes it, draws it and runs the network."), choices, input), says, bar, stage);
    place.classList.add("alive");

    let song = 0, pool = [], player = null, recording = null;
    const over = event => event.dataTransfer.types.includes("Files");
    document.addEventListener("dragover", event => {
      if (!over(event)) return;
      event.preventDefault();
      place.classList.add("over");
    });
    document.addEventListener("dragleave", event => { if (!event.relatedTarget) place.classList.remove("over"); });
    document.addEventListener("drop", event => {
      if (!over(event)) return;
      event.preventDefault();
      place.classList.remove("over");
      const file = event.dataTransfer.files[0];
      if (!file) return;
      place.scrollIntoView({block: "nearest"});
      take(file, file.name);
    });

    function start() {
      song += 1;
      if (recording) {
        recording.onstop = null;
        finished();
      }
      if (player) {
        player.pause();
        URL.revokeObjectURL(player.src);
        player = null;
      }
      stage.hidden = true;
      place.heard = null;
      says.classList.remove("song-wrong");
      return song;
    }
    function fail(error, name) {
      if (!(error instanceof Sentence)) console.warn(error);
      bar.hidden = stage.hidden = true;
      says.textContent = error instanceof Sentence ? error.message
        : `${name} could not be heard. The browser says: ${error.message}`;
      says.classList.add("song-wrong");
    }

    async function take(blob, name, recorded = false) {
      const mine = start();
      says.textContent = `Decoding ${name} …`;
      bar.removeAttribute("value");
      bar.hidden = false;
      try {
        const known = await knowledge(), {sr} = known.settings;
        let y = await decode(blob, name, sr);
        if (mine !== song) return;
        if (recorded && y.length > sr) {
          const once = y, n = Math.round(known.window * sr);
          y = new Float32Array(n).map((_, i) => once[i % once.length]);
          blob = wav(y, sr);
        }
        if (y.length < known.window * sr / 2) {
          throw new Sentence(`${name} lasts ${(y.length / sr).toFixed(1)} s. The network hears ${known.window} s at `
            + "a time, and a song must fill at least half of that.");
        }
        await hear(mine, known, y, name, blob, recorded);
      } catch (error) {
        if (mine === song) fail(error, name);
      }
    }

    function hear(mine, known, y, name, blob, recorded) {
      const {sr} = known.settings, {starts, length} = windows(y.length, known);
      const middles = starts.map(at => (at + length / 2) / sr), duration = y.length / sr;
      const edges = [0, ...middles.slice(1).map((middle, i) => (middle + middles[i]) / 2), duration];
      const heard = {name, duration, middles, edges, length: length / sr, recorded,
        said: starts.map(() => undefined), levels: [], loud: []};
      const show = stageFor(known, heard, blob);
      bar.max = starts.length;
      bar.value = 0;
      says.textContent = `Listening to ${name}, ${clock(duration)} …`;
      return new Promise((resolve, reject) => {
        let next = 0, done = 0;
        const give = one => {
          if (mine !== song || next >= starts.length) return;
          const i = next++, part = y.slice(starts[i], starts[i] + Math.min(length, Math.round(known.window * sr)));
          one.postMessage({song: mine, i, y: part}, [part.buffer]);
        };
        if (!pool.length) {
          const url = URL.createObjectURL(new Blob([`"use strict";${melFrontEnd};(${worker})()`], {type: "text/javascript"}));
          pool = Array.from({length: WORKERS}, () => new Worker(url));
          pool.forEach(one => one.postMessage({known}));
        }
        for (const one of pool) {
          one.onerror = event => reject(new Error(event.message || "no work in the background"));
          one.onmessage = ({data}) => {
            if (data.song !== song) return give(one);
            heard.said[data.i] = data.said;
            heard.levels[data.i] = data.levels;
            heard.loud[data.i] = data.loud;
            bar.value = ++done;
            show.draw();
            give(one);
            if (done === starts.length) resolve();
          };
          give(one);
        }
      }).then(() => {
        bar.hidden = true;
        place.heard = heard;
        const what = sentence(known, heard);
        says.textContent = what;
        show.finish();
      });
    }

    // Why to trust the answer less: prcnn.listening.song._notes.
    function notes({window, short, quiet, treble, tops, settings: {n_frames}}, {duration, loud, recorded}) {
      const found = [], heard = loud.filter(Boolean);
      const highest = tops.findLastIndex((_, band) =>
        heard.reduce((sum, one) => sum + one[band], 0) > quiet * heard.length * n_frames);
      if (duration < short * window) {
        found.push(`It lasts ${duration.toFixed(1)} s; the network learned from ${window.toFixed(1)} s at once.`);
      }
      if (highest >= 0 && highest < treble * tops.length - 1 && !recorded) {
        found.push(`Nothing sounds above ${(tops[highest] / 1000).toFixed(1)} kHz. Of a copy that has lost its treble `
          + "the network may be surer than of the original.");
      }
      return found;
    }

    function sentence(known, heard) {
      const {genres, sure} = known, {name, duration, said, edges, recorded} = heard, parts = said.filter(Boolean);
      if (!parts.length) throw new Sentence(`${name} is silent: no music.`);
      heard.mean = genres.map((_, g) => parts.reduce((sum, one) => sum + one[g], 0) / parts.length);
      const best = heard.mean.indexOf(Math.max(...heard.mean)), most = percent(heard.mean[best]);
      const certain = parseFloat(most) >= 100 * sure;
      heard.answer = certain ? genres[best] : "not sure";
      let text = recorded ? `${name}, three times in a row to fill a window: ` : `${name}, ${clock(duration)}: `;
      text += certain ? `${genres[best]}, with a probability of ${most}.`
        : `not sure. Most likely ${genres[best]} (${most}), but by its own word that is more likely wrong than right.`;
      const leads = said.map(one => one ? genres[one.indexOf(Math.max(...one))] : "silence");
      const turns = leads.map((genre, i) => [genre, edges[i]]).filter(([genre], i) => genre !== leads[i - 1]);
      if (turns.length > 1 && turns.length < 7) {
        text += ` In time: ${turns.map(([genre, at], i) => i ? `${genre} from ${clock(at)}` : genre).join(", ")}.`;
      } else if (turns.length > 1) {
        text += ` The leading genre changes ${turns.length - 1} times.`;
      }
      heard.notes = notes(known, heard);
      return [text, ...heard.notes].join(" ");
    }

    // The picture, the course of the genres under it, their means beside it, the player with its line.
    function stageFor(known, heard, blob) {
      const {genres, colours, ticks, settings: {n_mels, n_frames, top_db}} = known, {duration, edges} = heard;
      const sound = make("audio", {controls: "", "aria-label": `${heard.name}: the sound`});
      sound.src = URL.createObjectURL(blob);
      player = sound;
      const wide = Math.max(n_frames, Math.round(duration / heard.length * n_frames));
      const canvas = make("canvas", {width: wide, height: n_mels, class: "song-picture", role: "img",
        "aria-label": "Spectrogram of the song, low frequencies at the bottom"});
      const line = make("div", {class: "song-line"}), time = make("div", {class: "song-time", role: "slider", tabindex: 0,
        "aria-label": "Place in the song", "aria-valuemin": 0, "aria-valuemax": Math.round(duration)});
      const names = make("div", {class: "song-names"}), means = make("div", {class: "song-means"});
      const scale = make("div", {class: "song-scale"});
      for (const [text, share] of Object.entries(ticks)) {
        scale.append(make("span", {style: `bottom:${100 * share}%`}, text));
      }
      names.append(scale);
      means.append(make("div", {class: "song-scale"}));
      time.append(canvas);
      const strips = genres.map((genre, g) => {
        const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
        const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
        svg.setAttribute("viewBox", `0 0 ${duration} 1`);
        svg.setAttribute("preserveAspectRatio", "none");
        svg.setAttribute("class", "song-strip");
        svg.setAttribute("aria-hidden", "true");
        path.setAttribute("fill", colours[g]);
        svg.append(path);
        time.append(svg);
        const name = make("div", {class: "song-row"}, genre), mean = make("div", {class: "song-row"});
        names.append(name);
        means.append(mean);
        return {path, name, mean};
      });
      const axis = make("div", {class: "song-axis"});
      const step = [5, 10, 15, 30, 60, 120, 300].find(seconds => duration / seconds <= 6);
      for (let at = 0; at < duration - step / 3; at += step) {
        axis.append(make("span", {style: `left:${100 * at / duration}%`}, clock(at)));
      }
      time.append(axis, line);
      const table = make("details", {class: "song-numbers"});
      stage.replaceChildren(sound, make("div", {class: "song-grid"}, names, time, means), table);
      stage.hidden = false;

      // Where it plays: by mouse, touch and arrow keys.
      const go = at => { sound.currentTime = Math.max(0, Math.min(duration - 0.05, at)); };
      const windowAt = at => Math.max(0, edges.findIndex(edge => edge > at) - 1);
      const follow = () => {
        const at = sound.currentTime, said = heard.said[windowAt(at)];
        line.style.left = `${100 * at / duration}%`;
        const best = said ? said.indexOf(Math.max(...said)) : -1;
        strips.forEach(({name}, g) => name.classList.toggle("leads", g === best));
        time.setAttribute("aria-valuenow", Math.round(at));
        time.setAttribute("aria-valuetext", clock(at) + (said ? `: ${genres[best]}, ${percent(said[best])}` : ""));
        if (!sound.paused && sound.isConnected) requestAnimationFrame(follow);
      };
      for (const event of ["play", "seeked", "pause"]) sound.addEventListener(event, follow);
      time.addEventListener("click", event => {
        const box = time.getBoundingClientRect();
        go((event.clientX - box.left) / box.width * duration);
        sound.play().catch(() => {});
      });
      time.addEventListener("keydown", event => {
        const by = {ArrowRight: 5, ArrowUp: 5, ArrowLeft: -5, ArrowDown: -5, PageUp: 30, PageDown: -30}[event.key];
        if (by) go(sound.currentTime + by);
        else if (event.key === "Home") go(0);
        else if (event.key === "End") go(duration);
        else if (event.key === " ") sound.paused ? sound.play().catch(() => {}) : sound.pause();
        else return;
        event.preventDefault();
      });

      const context = canvas.getContext("2d"), palette = known.picture.map(
        hex => [1, 3, 5].map(i => parseInt(hex.slice(i, i + 2), 16)));
      function draw() {
        const top = heard.levels.reduce((most, levels) => levels ? levels.reduce((a, b) => Math.max(a, b), most) : most, -200);
        const image = context.createImageData(wide, n_mels);
        for (let x = 0; x < wide; x++) {
          const at = (x + 0.5) / wide * duration, i = windowAt(at), levels = heard.levels[i];
          const share = (at - (heard.middles[i] - heard.length / 2)) / heard.length;
          const frame = Math.max(0, Math.min(n_frames - 1, Math.floor(share * n_frames)));
          for (let band = 0; band < n_mels; band++) {
            const level = levels ? 1 + (levels[frame * n_mels + band] - top) / top_db : 0;
            const colour = palette[Math.max(0, Math.min(palette.length - 1, Math.floor(level * palette.length)))];
            image.data.set([...colour, 255], ((n_mels - 1 - band) * wide + x) * 4);
          }
        }
        context.putImageData(image, 0, 0);
        strips.forEach(({path}, g) => {
          path.setAttribute("d", heard.said.map((said, i) => said
            ? `M${edges[i]} 1V${1 - said[g]}H${edges[i + 1]}V1z` : "").join(""));
        });
      }

      function finish() {
        const best = Math.max(...heard.mean);
        strips.forEach(({name, mean}, g) => {
          const filled = make("span", {style: `width:${100 * heard.mean[g]}%;background:${colours[g]}`});
          mean.append(make("span", {class: "song-bar", "aria-hidden": "true"}, filled), make("span", {}, percent(heard.mean[g])));
          mean.classList.toggle("best", heard.mean[g] === best);
          name.classList.toggle("best", heard.mean[g] === best);
        });
        const rows = heard.said.map((said, i) => make("tr", {}, make("th", {scope: "row"}, `${clock(edges[i])} to ${clock(edges[i + 1])}`),
          ...genres.map((_, g) => make("td", {}, said ? percent(said[g]) : "silent"))));
        table.append(make("summary", {}, "The same in numbers"), make("div", {class: "pst-scrollable-table-container", tabindex: 0}, make("table", {},
          make("thead", {}, make("tr", {}, make("th", {scope: "col"}, "time"),
            ...genres.map(genre => make("th", {scope: "col"}, genre)))), make("tbody", {}, ...rows))));
        follow();
      }
      draw();
      return {draw, finish};
    }

    async function example(number, which) {
      const mine = start(), name = `The ${which} example`;
      says.textContent = "Fetching the example …";
      try {
        await bookScript(`song_${number}.js`);
        if (mine !== song) return;
        const bytes = Uint8Array.from(atob(window.SONG_EXAMPLE), c => c.charCodeAt(0));
        take(new Blob([bytes], {type: "audio/mpeg"}), name);
      } catch (error) {
        fail(error, name);
      }
    }

    function finished() {
      clearInterval(recording.timer);
      recording.stream.getTracks().forEach(track => track.stop());
      recorder.textContent = `Record ${RECORDED} seconds`;
      recording = null;
    }
    async function record() {
      if (recording) return recording.stop();
      const mine = start(), pieces = [];
      let made;
      bar.hidden = true;
      try {
        // As it is: what cleans a voice for a call would clean away the music.
        const audio = {echoCancellation: false, noiseSuppression: false, autoGainControl: false};
        made = new MediaRecorder(await navigator.mediaDevices.getUserMedia({audio}));
      } catch {
        if (mine !== song) return;
        return fail(new Sentence("The browser gives this page no microphone. Allow it, or choose a file."));
      }
      if (mine !== song) return made.stream.getTracks().forEach(track => track.stop());
      recording = made;
      recording.ondataavailable = event => pieces.push(event.data);
      recording.onstop = () => {
        finished();
        take(new Blob(pieces, {type: made.mimeType}), "Your recording", true);
      };
      let left = RECORDED;
      const count = () => {
        recorder.textContent = `Stop (${left} s)`;
        if (left-- <= 0) made.stop();
      };
      recording.timer = setInterval(count, 1000);
      says.textContent = "Recording …";
      count();
      recording.start();
    }
  }

  document.addEventListener("DOMContentLoaded", () => document.querySelectorAll(".song").forEach(open));
})();
