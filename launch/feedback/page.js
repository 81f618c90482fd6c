"use strict";

// Text of models and prompts goes into the page by textContent alone, so nothing in it is ever HTML.

const CHOICES = { a: "A", b: "B", t: "tie", s: "skip" };
const TOLD = { A: "A is better", B: "B is better", tie: "a tie", skip: "skipped" };
const element = (id) => document.getElementById(id);

let token = document.querySelector("meta[name=feedback-token]").content;
let state = null; // as the server last told it
let sending = null; // what was said and is not yet kept, in words

// Characters that are not seen, or that change what is seen around them: shown by their code point instead. The joiners
// U+200C and U+200D stay, since emoji and several scripts are written with them.
const HIDDEN = new RegExp(
  "[\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f\\u00ad\\u061c\\u115f\\u1160\\u180e\\u200b\\u200e\\u200f" +
    "\\u2028-\\u202e\\u2060-\\u206f\\u3164\\ufeff\\ufff9-\\ufffb\\u{e0000}-\\u{e007f}]",
  "gu"
);

function show(id, text) {
  const parts = [];
  let from = 0;
  for (const match of text.matchAll(HIDDEN)) {
    parts.push(document.createTextNode(text.slice(from, match.index)));
    const mark = document.createElement("span");
    const code = "U+" + match[0].codePointAt(0).toString(16).toUpperCase().padStart(4, "0");
    mark.className = "hidden-character";
    mark.textContent = code;
    mark.title = "the invisible or control character " + code;
    parts.push(mark);
    from = match.index + match[0].length;
  }
  parts.push(document.createTextNode(text.slice(from)));
  element(id).replaceChildren(...parts);
}

function say(text, isBad = false) {
  element("status").textContent = text;
  element("status").classList.toggle("bad", isBad);
}

function plural(count, noun) {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

function draw(next) {
  state = next;
  const pair = state.pair;
  element("progress").max = Math.max(state.wanted, 1);
  element("progress").value = state.answered;
  element("answered").textContent = `${state.answered} of ${state.wanted} answered`;
  const counts = state.counts;
  element("counts").textContent =
    `kept in all: ${plural(counts.preferences, "preference")}, ${plural(counts.ties, "tie")}, ${counts.skips} skipped`;
  element("question").hidden = pair === null;
  element("pause").hidden = pair !== null;
  if (pair !== null && element("question").dataset.pair !== pair.id) {
    show("prompt", pair.prompt);
    show("left", pair.left);
    show("right", pair.right);
    element("question").dataset.pair = pair.id;
    scrollTo(0, 0);
  }
  if (pair === null) {
    delete element("question").dataset.pair;
    element("pause").textContent = {
      drawing: "The model is writing the next pair…",
      done: "All pairs are answered. The terminal names the files; end the server there with Ctrl-C.",
      failed: `No more pairs come: ${state.message}`,
    }[state.status];
  }
  enable();
}

function enable() {
  for (const button of document.querySelectorAll("button[data-choice]")) {
    button.disabled = state === null || state.pair === null || sending !== null;
  }
  element("undo").disabled = state === null || state.undo === null || sending !== null;
  document.body.dataset.status = sending !== null ? "sending" : state === null ? "loading" : state.status;
}

const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

async function ask(path, options = {}) {
  const response = await fetch(path, { cache: "no-store", signal: AbortSignal.timeout(15000), ...options });
  return [response.status, await response.json()];
}

// Sends until the server has said that it is kept, through a server that is killed and started again.
async function send(path, body, words) {
  sending = words;
  enable();
  const json = JSON.stringify(body);
  for (let attempt = 0; ; attempt++) {
    let trouble;
    try {
      const headers = { "Content-Type": "application/json", "X-Feedback-Token": token };
      const [status, told] = await ask(path, { method: "POST", headers, body: json });
      if (status === 200) {
        sending = null;
        draw(told);
        return `Kept: ${words}. ${state.answered} of ${state.wanted} answered.`;
      }
      if (status < 500 && !told.reload) {
        sending = null;
        await refresh();
        return `Not kept: ${told.error}.`;
      }
      trouble = told.error;
      // The token of a server that was started anew.
      if (told.reload) token = (await ask("/api/state"))[1].token;
    } catch {
      trouble = "the server does not answer; start it again with the same command";
    }
    if (attempt > 0) say(`Not kept yet (${words}): ${trouble}. It is sent again until it is.`, true);
    await pause(Math.min(250 * 2 ** attempt, 4000));
  }
}

async function answer(choice) {
  if (state === null || state.pair === null || sending !== null) return;
  const key = crypto.getRandomValues(new Uint32Array(4)).join("-");
  say(await send("/api/answer", { id: state.pair.id, choice, key }, TOLD[choice]));
}

async function undo() {
  if (state === null || state.undo === null || sending !== null) return;
  say(await send("/api/undo", { number: state.undo }, "the last answer is taken back"));
}

async function refresh() {
  for (let attempt = 0; ; attempt++) {
    try {
      const [status, told] = await ask("/api/state");
      if (status === 200) {
        token = told.token;
        if (attempt > 1) say("The server answers again.");
        if (sending === null) draw(told);
        return;
      }
      say(told.error, true);
    } catch {
      if (attempt > 0) say("The server does not answer; start it again with the same command.", true);
    }
    await pause(Math.min(250 * 2 ** attempt, 4000));
  }
}

async function watch() {
  await refresh();
  for (;;) {
    await pause(500);
    if (sending === null && state.status === "drawing") await refresh();
  }
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.repeat || event.isComposing) return;
  // By the letter; on a keyboard of another script by the place of the key.
  const isForeign = event.key.length === 1 && !/[a-z]/i.test(event.key);
  const letter = (isForeign ? event.code.replace("Key", "") : event.key).toLowerCase();
  if (letter in CHOICES) {
    event.preventDefault();
    answer(CHOICES[letter]);
  } else if (letter === "u") {
    event.preventDefault();
    undo();
  }
});
for (const button of document.querySelectorAll("button[data-choice]")) {
  button.addEventListener("click", () => answer(button.dataset.choice));
}
element("undo").addEventListener("click", undo);
addEventListener("beforeunload", (event) => {
  if (sending !== null) event.preventDefault();
});
watch();
