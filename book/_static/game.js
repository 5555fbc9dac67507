// The game of the chapter `guess`: two examples a genre, rounds of eight clips, and the score beside the
// network's. The first round stands in the page; prcnn.study.game names the other clips, and their
// sounds come with clips.js once they are asked for.
document.addEventListener("DOMContentLoaded", () => {
  const make = (name, attributes = {}, ...children) => {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.append(...children);
    return element;
  };
  const button = (text, act) => {
    const element = make("button", {type: "button"}, text);
    element.addEventListener("click", act);
    return element;
  };

  for (const place of document.querySelectorAll(".game-examples")) {
    const player = make("audio", {controls: "", "aria-label": "The example"}), says = make("p", {role: "status"});
    const list = make("div", {class: "game-genres"});
    let last = null;
    for (const [genre, numbers] of Object.entries(JSON.parse(place.querySelector("script").textContent))) {
      const buttons = numbers.map((number, i) => {
        const element = button(`▶ ${i + 1}`, async () => {
          if (last === element && !player.paused) return player.pause();
          try {
            if (last !== element) player.src = await bookClip(number);
            last = element;
            if (!player.isConnected) place.append(player);
            says.textContent = `${genre}, example ${i + 1}`;
            await player.play();
          } catch (error) {
            if (error.name !== "AbortError") says.textContent = error.message;
          }
        });
        element.setAttribute("aria-label", `${genre}, example ${i + 1}`);
        return element;
      });
      list.append(make("div", {class: "choices"}, make("span", {}, genre), ...buttons));
    }
    place.append(list, says);
  }

  for (const game of document.querySelectorAll(".game")) {
    const questions = [...game.querySelectorAll(".question")], score = game.querySelector(".score");
    const rounds = JSON.parse(game.querySelector("script").textContent);
    let round = 1, told = [];  // of every guess: was it right, and was the network's?
    const meter = (who, right) => make("div", {}, make("span", {}, who),
      make("meter", {min: 0, max: told.length || 1, value: right, "aria-label": who}), make("span", {}, `${right} of ${told.length}`));
    const count = () => {
      const [you, network] = ["you", "network"].map(who => told.filter(each => each[who]).length);
      const alone = told.filter(each => each.you !== each.network), mine = alone.filter(each => each.you).length;
      const left = questions.filter(each => !each.dataset.guess).length;
      if (!told.length) return score.replaceChildren("Your score will stand here, beside the network's.");
      score.replaceChildren(meter("You", you), meter("The network", network), make("p", {}, 
        `You alone were right ${mine} times, it alone ${alone.length - mine} times. ` + (left ? `Round ${round}: ${left} clips to go.` : rounds.length ? "Play another round." : "That was the last round.")));
    };
    game.addEventListener("guessed", ({target: {dataset: {guess, truth, network}}}) => {
      told.push({you: guess === truth, network: network === truth});
      count();
    });
    const more = button("Another round, with other clips", async () => {
      const next = rounds[0];
      try {
        const sounds = await Promise.all(next.map(({clip}) => bookClip(clip)));
        questions.forEach((question, i) => {
          const {truth, network, answer} = next[i];
          question.querySelector("audio").src = sounds[i];
          question.querySelector("details p").textContent = answer;
          Object.assign(question.dataset, {truth, network});
          askQuestion(question);
        });
        rounds.shift();
        round += 1;
        more.disabled = !rounds.length;
        count();
        game.scrollIntoView();
      } catch (error) {
        score.lastChild.textContent = error.message;
      }
    });
    score.after(make("div", {class: "choices"}, more));
    count();
  }
});
