// Players. One sounds at a time in the whole book; a line runs over a picture while its clip plays, and
// a click into the part that the player holds plays from there. prcnn.plots.show writes the bounds:
// shares of the picture's width, and the seconds they stand for.
document.addEventListener("play", event => {
  if (event.target.muted) return;
  for (const other of document.querySelectorAll("audio")) if (other !== event.target) other.pause();
}, true);

// Any element `frame` over `seconds` from its `left` to its `right`; `curve` is a line drawn in it, at
// even steps: [share of the height, value]. A dot rides on it, with its value.
function followSound(frame, player, {left = 0, right = 1, start = 0, end, curve = []}) {
  const add = name => {
    const element = document.createElement("div");
    element.className = name;
    frame.append(element);
    return element;
  };
  frame.classList.add("heard-frame");
  const part = add("heard-part"), line = add("heard-line"), dot = curve.length ? add("heard-dot") : null;
  const percent = share => `${100 * (left + share * (right - left))}%`;
  const draw = () => {
    const share = (player.currentTime - start) / (end - start);
    line.hidden = share < 0 || share > 1;
    line.style.left = percent(share);
    if (dot) {
      const [height, value] = curve[Math.max(0, Math.min(curve.length - 1, Math.floor(share * curve.length)))];
      dot.hidden = line.hidden;
      dot.style.cssText = `left:${percent(share)};bottom:${100 * height}%`;
      dot.dataset.value = value;
    }
    if (!player.paused) requestAnimationFrame(draw);
  };
  line.hidden = true;
  if (dot) dot.hidden = true;
  for (const event of ["play", "seeked", "pause"]) player.addEventListener(event, draw);

  // What can be played is framed where it is less than what is seen.
  const mark = () => {
    const from = Math.max(0, -start / (end - start));
    const to = Math.min(1, ((player.duration || end) - start) / (end - start));
    part.style.left = percent(from);
    part.style.width = `${100 * (to - from) * (right - left)}%`;
    part.classList.toggle("framed", to - from < 0.97);
  };
  mark();
  player.addEventListener("durationchange", mark);
  part.title = "Play from here";
  part.addEventListener("click", event => {
    const box = frame.getBoundingClientRect();
    const share = ((event.clientX - box.left) / box.width - left) / (right - left);
    player.currentTime = Math.max(0, start + share * (end - start));
    player.play().catch(() => {});
  });
}

// A script that a page asks for only when a reader does; it lies beside this one.
const STATIC = document.currentScript.src;
function bookScript(name) {
  return new Promise((resolve, reject) => {
    const element = document.createElement("script");
    element.src = new URL(name, STATIC).href;
    element.onload = resolve;
    element.onerror = () => reject(new Error(`The page's file ${name} is missing.`));
    document.head.append(element);
  });
}

// A clip of synthetic music by its number, as something that a player plays (book/_ext/song.py).
async function bookClip(number) {
  if (!window.CLIPS) await bookScript("clips.js");
  return `data:audio/mpeg;base64,${window.CLIPS[number]}`;
}

document.addEventListener("DOMContentLoaded", () => {
  for (const heard of document.querySelectorAll(".heard")) {
    const frame = document.createElement("div"), picture = heard.querySelector("img");
    const [left, right, start, end] = ["left", "right", "start", "end"].map(name => Number(heard.dataset[name]));
    picture.replaceWith(frame);
    frame.append(picture);
    const curve = JSON.parse(heard.dataset.curve || "[]");
    followSound(frame, heard.querySelector("audio"), {left, right, start, end, curve});
  }
});
