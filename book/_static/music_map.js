// The map of music: every dot a clip, to point at or to reach with the arrow keys, to filter, and to hear
// by a click or Enter. The page's cells write the data of a clip: [id, genre, said,
// [x, y], percent a genre]. Sounds come from clips.js, or from a folder of FMA that the reader has.
document.addEventListener("DOMContentLoaded", () => {
  const SVG = "http://www.w3.org/2000/svg", SIZE = 1000, EDGE = 25;
  const make = (name, attributes = {}, text = "") => {
    const element = name === "svg" || name === "path"
      ? document.createElementNS(SVG, name) : document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    if (text) element.textContent = text;
    return element;
  };
  const DOT = "m-8 0a8 8 0 1 0 16 0a8 8 0 1 0-16 0z", CROSS = "m-8-8l16 16m0-16l-16 16";

  for (const map of document.querySelectorAll(".music-map")) {
    const {genres, colours, clips, synthetic} = JSON.parse(map.querySelector("script").textContent);
    const xs = clips.map(clip => clip[3][0]), ys = clips.map(clip => clip[3][1]);
    const [left, low] = [Math.min(...xs), Math.min(...ys)];
    const [wide, high] = [Math.max(...xs) - left, Math.max(...ys) - low];
    const scale = (SIZE - 2 * EDGE) / wide, height = Math.round(high * scale + 2 * EDGE);
    const dots = clips.map(([id, genre, said, [x, y], percent]) => ({
      id, genre, said, percent, right: said === genre,
      x: EDGE + (x - left) * scale, y: height - EDGE - (y - low) * scale}));
    const svg = make("svg", {viewBox: `0 0 ${SIZE} ${height}`, tabindex: 0, role: "application",
      "aria-label": `Map of ${dots.length} clips. The arrow keys go from clip to clip, Enter plays one.`});
    for (const dot of dots) {
      dot.mark = make("path", {d: `M${dot.x.toFixed()} ${dot.y.toFixed()}${dot.right ? DOT : CROSS}`,
        fill: dot.right ? colours[dot.genre] : "none", stroke: colours[dot.genre]});
      svg.append(dot.mark);
    }
    const ring = make("path", {class: "map-ring", d: ""});
    svg.append(ring);

    // What is pointed at, in words and bars.
    const told = make("div", {class: "map-clip"}), words = make("p", {role: "status"},
      `Point at a clip, or go from clip to clip with the arrow keys. A click or Enter plays it${synthetic
        ? "" : ", once you have chosen your folder of FMA-small below"}.`);
    const bars = make("div", {class: "map-bars"});
    const player = make("audio", {controls: "", "aria-label": "The clip"}), hint = make("p", {role: "status"});
    told.append(words, bars, hint);

    // What it sounds like: FMA's clips lie where the reader has them, 000002.mp3 in any folder.
    const files = new Map();
    async function play(dot) {
      const file = files.get(dot.id);
      if (!synthetic && !file) {
        hint.textContent = files.size ? "This clip is not in your folder."
          : "The music of this clip is not on this page. Choose your folder fma_small below, and a click plays it.";
        return;
      }
      hint.textContent = "";
      URL.revokeObjectURL(player.src);
      player.src = synthetic ? await bookClip(dot.id) : URL.createObjectURL(file);
      if (!player.isConnected) told.insertBefore(player, hint);
      await player.play();
    }
    const heard = dot => play(dot).catch(error => {
      if (error.name !== "AbortError") hint.textContent = error.message;
    });
    let here = null;
    const show = dot => {
      here = dot;
      ring.setAttribute("d", dot ? `M${dot.x} ${dot.y}m-17 0a17 17 0 1 0 34 0a17 17 0 1 0-34 0z` : "");
      if (!dot) return;
      words.textContent = `Clip ${dot.id}. ${synthetic
        ? `Its recipe says ${genres[dot.genre]} (${synthetic[genres[dot.genre]]})` : `Its artist says ${genres[dot.genre]}`}, the network `
        + `${genres[dot.said]} (${dot.percent[dot.said]} %)${dot.right ? "." : synthetic ? ": another word." : ": a mistake."}`;
      bars.replaceChildren(...genres.map((genre, i) => {
        const row = make("div"), bar = make("span", {class: "map-bar"}), filled = make("span");
        filled.style.cssText = `width:${dot.percent[i]}%;background:${colours[i]}`;
        bar.append(filled);
        row.append(make("span", i === dot.genre ? {class: "true"} : {}, genre), bar,
          make("span", {}, `${dot.percent[i]} %`));
        return row;
      }));
    };

    // Which clips are shown: of the genres pressed (none: all), right ones or mistakes.
    const filters = make("div", {class: "map-filters"}), count = make("p", {role: "status"});
    const pressed = new Set();
    let which = "all";
    const shown = dot => (!pressed.size || pressed.has(dot.genre))
      && (which === "all" || dot.right === (which === kinds[1]));
    const filter = () => {
      for (const dot of dots) dot.mark.classList.toggle("off", !shown(dot));
      const left = dots.filter(shown), right = left.filter(dot => dot.right).length;
      count.textContent = `${left.length} clips shown, of which the network ${synthetic
        ? `calls ${right} by the recipe's word` : `gets ${right} right`}.`;
      if (here && !shown(here)) show(null);
    };
    const group = (name, labels, press) => {
      const set = make("fieldset"), buttons = labels.map((label, i) => {
        const button = make("button", {type: "button", "aria-pressed": "false"}, label);
        button.addEventListener("click", () => { press(i, buttons); filter(); });
        return button;
      });
      set.append(make("legend", {}, name), ...buttons);
      filters.append(set);
      return buttons;
    };
    const toggle = (button, on) => button.setAttribute("aria-pressed", String(on));
    group("Genre", genres, (i, buttons) => {
      pressed.has(i) ? pressed.delete(i) : pressed.add(i);
      toggle(buttons[i], pressed.has(i));
    }).forEach((button, i) => button.style.setProperty("--genre", colours[i]));
    const kinds = synthetic ? ["all", "the same word", "another word"] : ["all", "right", "mistakes"];
    toggle(group("Clips", kinds, (i, buttons) => {
      which = kinds[i];
      buttons.forEach((button, j) => toggle(button, i === j));
    })[0], true);

    // The clip nearest to the pointer, if it is near.
    const point = event => {
      const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(
        svg.getScreenCTM().inverse());
      let best = null, least = 40;
      for (const dot of dots) {
        const far = Math.hypot(dot.x - at.x, dot.y - at.y);
        if (far < least && shown(dot)) [best, least] = [dot, far];
      }
      if (best && best !== here) show(best);
      return best;
    };
    svg.addEventListener("pointermove", point);
    svg.addEventListener("pointerdown", point);
    svg.addEventListener("click", event => {
      const dot = point(event);
      if (dot) heard(dot);
    });
    svg.addEventListener("focus", () => {
      if (!here && svg.matches(":focus-visible")) show(dots.find(shown) || null);
    });
    const ways = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]};
    svg.addEventListener("keydown", event => {
      const way = ways[event.key];
      if (event.key === "Enter" && here) heard(here);
      if (!way) return;
      event.preventDefault();
      if (!here) return show(dots.find(shown) || null);
      let best = null, least = Infinity;
      for (const dot of dots) {
        const [dx, dy] = [dot.x - here.x, dot.y - here.y];
        const along = dx * way[0] + dy * way[1], aside = Math.abs(dx * way[1]) + Math.abs(dy * way[0]);
        if (dot === here || along <= 0 || aside > 2 * along || !shown(dot)) continue;
        if (along + 2 * aside < least) [best, least] = [dot, along + 2 * aside];
      }
      if (best) show(best);
    });

    const live = make("div", {class: "map-live"});
    live.append(svg, told);
    map.append(filters, count, live);
    if (!synthetic) {
      const input = make("input", {type: "file", webkitdirectory: "", multiple: ""});
      const label = make("label", {class: "map-folder"}, "Have you FMA-small on this machine? Its folder: ");
      input.addEventListener("change", () => {
        files.clear();
        for (const file of input.files) if (/^\d{6}\.mp3$/.test(file.name)) files.set(parseInt(file.name), file);
        const known = dots.filter(({id}) => files.has(id)).length;
        hint.textContent = `${known} of the map's clips are there.`;
      });
      label.append(input);
      map.append(label);
    }
    map.classList.add("alive");
    filter();
  }
});
