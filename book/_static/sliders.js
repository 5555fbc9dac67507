// Three sliders for the log-mel picture of the sound in the page, which mel.js draws anew at once.
// Where no script runs, and on paper, the printed figure stays.
document.addEventListener("DOMContentLoaded", () => {
  const SR = 22050, DECIBELS = 80, TICKS = [500, 1000, 2000, 4000, 8000];
  const SLIDERS = {
    hop_length: ["hop", [128, 256, 512, 1024, 2048], 2],
    n_fft: ["window", [256, 512, 1024, 2048, 4096], 3],
    n_mels: ["bands", [16, 32, 64, 128, 256], 3],
  };
  // Matplotlib's magma in sixteen colours, as the book's other spectrograms.
  const MAGMA = "000004 0b0924 20114b 3b0f70 57157e 721f81 8c2981 a8327d c43c75 de4968 f1605d fa7f5e fe9f6d febf84 fddea0 fcfdbf"
    .split(" ").map(hex => [0, 2, 4].map(i => parseInt(hex.slice(i, i + 2), 16)));
  const make = (name, attributes = {}, ...children) => {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.append(...children);
    return element;
  };
  const mel = hz => hz < 1000 ? 3 * hz / 200 : 15 + 27 * Math.log(hz / 1000) / Math.log(6.4);

  // Decibels below the loudest, cut DECIBELS under it: as in the six lines of librosa on the page.
  function picture(y, {hop_length, n_fft, n_mels}) {
    const {frame, empty} = melFrontEnd({sr: SR, n_fft, hop_length, n_mels});
    const frames = 1 + Math.floor(y.length / hop_length), levels = new Float32Array(frames * n_mels);
    for (let i = 0; i < frames; i++) frame(y, i, levels.subarray(i * n_mels, (i + 1) * n_mels));
    const loudest = levels.reduce((most, power) => Math.max(most, power), 1e-10);
    for (let i = 0; i < levels.length; i++) {
      levels[i] = Math.max(-DECIBELS, 10 * Math.log10(Math.max(levels[i], 1e-10) / loudest));
    }
    return {frames, levels, empty};
  }

  function open(place, y) {
    const chosen = {}, inputs = make("div", {class: "mel-sliders"}), words = make("p", {role: "status"});
    const canvas = make("canvas", {role: "img"}), frame = make("div", {class: "mel-picture"}, canvas);
    const scale = make("div", {class: "mel-scale", "aria-hidden": "true"}), axis = make("div", {class: "mel-axis", "aria-hidden": "true"});
    const seconds = y.length / SR;
    for (const hz of TICKS) {
      scale.append(make("span", {style: `bottom:${100 * mel(hz) / mel(SR / 2)}%`}, hz < 1000 ? `${hz} Hz` : `${hz / 1000} kHz`));
    }
    for (let at = 0; at < seconds - 0.2; at++) axis.append(make("span", {style: `left:${100 * at / seconds}%`}, `${at} s`));
    const ms = samples => `${samples} samples, ${(1000 * samples / SR).toFixed(1)} ms`;
    function draw() {
      const {hop_length, n_fft, n_mels} = chosen, {frames, levels, empty} = place.picture = picture(y, chosen);
      Object.assign(canvas, {width: frames, height: n_mels});
      const context = canvas.getContext("2d"), image = context.createImageData(frames, n_mels);
      for (let i = 0; i < frames; i++) {
        for (let band = 0; band < n_mels; band++) {
          const shade = Math.min(15, Math.floor((levels[i * n_mels + band] / DECIBELS + 1) * 16));
          image.data.set([...MAGMA[shade], 255], ((n_mels - 1 - band) * frames + i) * 4);
        }
      }
      context.putImageData(image, 0, 0);
      let text = `${frames} frames of ${n_mels} bands: ${(frames * n_mels).toLocaleString("en")} numbers for ${y.length.toLocaleString("en")} samples. `
        + `The window's frequencies lie ${(SR / n_fft).toFixed(1)} Hz apart`;
      text += empty ? `; ${empty} of the bands are narrower than that, hold nothing, and stay black.` : ".";
      if (hop_length >= n_fft) text += " The windows no longer overlap: what lies where they fade out is lost.";
      canvas.setAttribute("aria-label", `Log-mel spectrogram, low frequencies at the bottom. ${text}`);
      words.textContent = text;
    }
    for (const [name, [label, values, first]] of Object.entries(SLIDERS)) {
      const input = make("input", {type: "range", min: 0, max: values.length - 1, value: first, name}), output = make("output");
      const set = () => {
        chosen[name] = values[input.value];
        output.textContent = name === "n_mels" ? `${chosen[name]} bands` : ms(chosen[name]);
        input.setAttribute("aria-valuetext", output.textContent);
      };
      set();
      input.addEventListener("input", () => { set(); draw(); });
      inputs.append(make("label", {}, make("span", {}, label), input, output));
    }
    draw();
    place.samples = y;
    const heard = place.querySelector(".heard");
    heard.prepend(inputs, make("div", {class: "mel-live"}, scale, frame, axis), words);
    followSound(frame, heard.querySelector("audio"), {end: seconds});
    place.classList.add("alive");
  }

  for (const place of document.querySelectorAll(".mel-play")) {
    const bytes = Uint8Array.from(atob(place.querySelector("audio").src.split(",")[1]), c => c.charCodeAt(0));
    new OfflineAudioContext(1, 1, SR).decodeAudioData(bytes.buffer)
      .then(sound => open(place, sound.getChannelData(0)), error => console.warn(error));
  }
});
