// A question's choices become buttons; the first one pressed counts, and the answer folds out.
// prcnn.plots.question writes the markup: sounds, the choices in words, a fold with the answer.
document.addEventListener("DOMContentLoaded", () => {
  const questions = [...document.querySelectorAll(".question")];
  const score = document.querySelector(".score");
  const count = () => {
    const given = questions.filter(each => each.dataset.network && each.dataset.guess);
    const right = who => given.filter(each => each.dataset[who] === each.dataset.truth).length;
    score.textContent = given.length
      ? `After ${given.length} of ${questions.length}: you ${right("guess")} right, `
        + `the network ${right("network")}.`
      : "Your score will stand here.";
  };
  for (const question of questions) {
    const {ask, truth} = question.dataset;
    const words = question.querySelector(".choices"), fold = question.querySelector("details");
    const buttons = document.createElement("div"), verdict = document.createElement("p");
    buttons.className = "choices";
    buttons.setAttribute("role", "group");
    buttons.setAttribute("aria-label", ask);
    verdict.setAttribute("role", "status");
    for (const name of JSON.parse(question.dataset.choices)) {
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
        if (score) count();
      });
      buttons.append(button);
    }
    words.replaceWith(buttons, verdict);
  }
  if (score) count();
});
