// The front end of prcnn/spectrogram.py, for any page and, as text, for the worker of song.js: power in
// mel bands, as librosa has it. tests/test_play.py and tests/check_song.py hold it to librosa's numbers.
function melFrontEnd({sr, n_fft, hop_length, n_mels}) {
  const half = n_fft / 2, hann = new Float32Array(n_fft);
  const cos = new Float64Array(half), sin = new Float64Array(half), turned = new Uint16Array(n_fft);
  for (let i = 0; i < n_fft; i++) hann[i] = 0.5 - 0.5 * Math.cos(2 * Math.PI * i / n_fft);
  for (let i = 0; i < half; i++) {
    cos[i] = Math.cos(2 * Math.PI * i / n_fft);
    sin[i] = -Math.sin(2 * Math.PI * i / n_fft);
  }
  for (let i = 0; i < n_fft; i++) turned[i] = turned[i >> 1] >> 1 | (i & 1 ? half : 0);

  // Slaney's mels: straight up to 1 kHz, then logarithmic; triangles of equal area.
  const step = Math.log(6.4) / 27, toHz = mel => mel < 15 ? mel * 200 / 3 : 1000 * Math.exp(step * (mel - 15));
  const highest = 15 + Math.log(sr / 2 / 1000) / step, bands = [];
  const edge = i => toHz(highest * i / (n_mels + 1));
  for (let band = 0; band < n_mels; band++) {
    const low = edge(band), centre = edge(band + 1), high = edge(band + 2), weights = [];
    const first = Math.ceil(low * n_fft / sr);
    for (let bin = first; bin * sr / n_fft < high; bin++) {
      const hz = bin * sr / n_fft;
      weights.push(Math.max(0, Math.min((hz - low) / (centre - low), (high - hz) / (high - centre)))
        * 2 / (high - low));
    }
    bands.push({first, weights: Float32Array.from(weights)});
  }
  const heaviest = bands.reduce((most, {weights}) => Math.max(most, ...weights), 0);

  // Frame `index` of samples `y`, its power in every band; silence lies before and behind.
  const re = new Float64Array(n_fft), im = new Float64Array(n_fft), power = new Float64Array(half + 1);
  function frame(y, index, into) {
    for (let i = 0, at = index * hop_length - half; i < n_fft; i++, at++) {
      re[turned[i]] = at >= 0 && at < y.length ? y[at] * hann[i] : 0;
    }
    im.fill(0);
    for (let size = 1; size < n_fft; size *= 2) {
      for (let start = 0; start < n_fft; start += 2 * size) {
        for (let i = 0, turn = 0; i < size; i++, turn += half / size) {
          const a = start + i, b = a + size;
          const x = re[b] * cos[turn] - im[b] * sin[turn], z = re[b] * sin[turn] + im[b] * cos[turn];
          re[b] = re[a] - x; im[b] = im[a] - z; re[a] += x; im[a] += z;
        }
      }
    }
    for (let i = 0; i <= half; i++) power[i] = re[i] * re[i] + im[i] * im[i];
    bands.forEach(({first, weights}, band) => {
      let sum = 0;
      for (let i = 0; i < weights.length; i++) sum += power[first + i] * weights[i];
      into[band] = sum;
    });
  }
  // A band between two frequencies of the window has no weight at all.
  const empty = bands.filter(({weights}) => !weights.some(weight => weight > 0)).length;
  return {frame, hann, heaviest, empty};
}
