// A word of the glossary shows its definition when it is pointed at or focused; a click leads there.
document.addEventListener("DOMContentLoaded", () => {
  const note = document.createElement("div");
  note.className = "term-note";
  note.id = "term-note";
  note.setAttribute("role", "tooltip");
  note.hidden = true;
  document.body.append(note);
  const hide = () => { note.hidden = true; };
  document.addEventListener("keydown", event => { if (event.key == "Escape") hide(); });
  for (const term of document.querySelectorAll('article a[href*="#term-"][title]')) {
    const definition = term.title;
    term.removeAttribute("title");
    term.classList.add("term");
    term.setAttribute("aria-describedby", note.id);
    const show = () => {
      note.textContent = definition;
      note.hidden = false;
      const word = term.getBoundingClientRect(), box = note.getBoundingClientRect();
      const room = document.documentElement.clientWidth - box.width - 8;
      note.style.left = Math.max(8, Math.min(word.left, room)) + "px";
      const below = word.bottom + 6 + box.height < window.innerHeight;
      note.style.top = (below ? word.bottom + 6 : word.top - box.height - 6) + "px";
    };
    for (const event of ["pointerenter", "focus"]) term.addEventListener(event, show);
    for (const event of ["pointerleave", "blur"]) term.addEventListener(event, hide);
  }
  window.addEventListener("scroll", hide, { passive: true });
});
