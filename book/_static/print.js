// On paper solutions and answers are open, and closed again after; code that is folded stays so.
addEventListener("beforeprint", () => {
  for (const fold of document.querySelectorAll("details:not([open], .hide)")) {
    fold.open = true;
    fold.classList.add("for-print");
  }
});
addEventListener("afterprint", () => {
  for (const fold of document.querySelectorAll("details.for-print")) {
    fold.open = false;
    fold.classList.remove("for-print");
  }
});
