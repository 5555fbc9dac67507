// On paper nothing is folded: solutions, answers and code are opened before, closed after.
addEventListener("beforeprint", () => {
  for (const fold of document.querySelectorAll("details:not([open])")) {
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
