// A question's choices become buttons; the first one pressed counts, and the answer folds out.
// prcnn.plots.question writes the markup: sounds, the choices in words, a fold with the answer.
// Asked again, also with another clip (game.js), it begins anew.
function askQuestion(question) {
  const {ask, truth, choices} = question.dataset, fold = question.querySelector("details");
  delete question.dataset.guess;
  fold.open = false;
  question.querySelector(".verdict")?.remove();
  const buttons = document.createElement("div"), verdict = document.createElement("p");
  buttons.className = "choices";
  buttons.setAttribute("role", "group");
  buttons.setAttribute("aria-label", ask);
  verdict.className = "verdict";
  verdict.setAttribute("role", "status");
  for (const name of JSON.parse(choices)) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = name;
    button.addEventListener("click", () => {
      if (question.dataset.guess) return;
      question.dataset.guess = name;
      for (const each of buttons.children) {
        const right = each.textContent === truth;
        each.setAttribute("aria-disabled", "true");
        if (right || each === button) each.className = right ? "right" : "wrong";
      }
      verdict.textContent = name === truth ? `Right: ${truth}.` : `No: ${truth}.`;
      fold.open = true;
      question.dispatchEvent(new Event("guessed", {bubbles: true}));
    });
    buttons.append(button);
  }
  question.querySelector(".choices").replaceWith(buttons, verdict);
}

document.addEventListener("DOMContentLoaded", () => document.querySelectorAll(".question").forEach(askQuestion));
