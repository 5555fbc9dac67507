// A line runs over a spectrogram while its clip plays; a click in the picture plays from there.
// prcnn.plots.show writes the bounds: shares of the picture's width, and the seconds they stand for.
document.addEventListener("DOMContentLoaded", () => {
  for (const heard of document.querySelectorAll(".heard")) {
    const picture = heard.querySelector("img"), player = heard.querySelector("audio");
    const [left, right, start, end] = ["left", "right", "start", "end"].map(
      name => Number(heard.dataset[name]));
    const frame = document.createElement("div"), line = document.createElement("div");
    frame.className = "heard-frame";
    line.className = "heard-line";
    line.hidden = true;
    picture.replaceWith(frame);
    frame.append(picture, line);
    const draw = () => {
      const share = (player.currentTime - start) / (end - start);
      line.hidden = share < 0 || share > 1;
      line.style.left = 100 * (left + share * (right - left)) + "%";
      if (!player.paused) requestAnimationFrame(draw);
    };
    for (const event of ["play", "seeked", "pause"]) player.addEventListener(event, draw);
    frame.addEventListener("click", event => {
      const box = picture.getBoundingClientRect();
      const share = ((event.clientX - box.left) / box.width - left) / (right - left);
      const time = start + share * (end - start);
      if (share < 0 || share > 1 || time < 0) return;
      player.currentTime = Math.min(time, player.duration || time);
      player.play();
    });
  }
});
