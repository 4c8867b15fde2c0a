// The phone: sends what is typed or tapped, and shows what the transcript holds. Every text is set as text, never as HTML.
"use strict";

const thread = document.getElementById("thread");
const words = document.getElementById("words");
const language = document.getElementById("language");
const state = document.getElementById("state");
let phone = sessionStorage.getItem("phone") || newPhone();
let shown = new Set();
let waiting = 0;

function newPhone() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const name = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  sessionStorage.setItem("phone", name);
  return name;
}

async function call(method, body) {
  const answer = await fetch("/simulator/messages", {
    method,
    headers: { "X-Simulator-Phone": phone, "Content-Type": "application/json" },
    body: body && JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.json();
}

async function send(message) {
  document.querySelectorAll(".choices").forEach((choices) => choices.remove());
  waiting = Date.now();
  try {
    await call("POST", { language: language.value, ...message });
    await refresh();
  } catch {
    state.textContent = "pas envoyé, réessaie";
  }
}

function withLinks(bubble, text) {
  const pattern = /(https?:\/\/[^\s\u2069]+|(?<![\d.:])(?:\+?\d[\d ]{1,16}\d)(?![\d.:%]))/g;
  let place = 0;
  for (const match of text.matchAll(pattern)) {
    const after = text.slice(match.index + match[0].length);
    const alone = /(^|\n)\u2066?$/.test(text.slice(0, match.index)) && /^\u2069?($|\n)/.test(after);
    const isLink = match[0].startsWith("http");
    if (!isLink && !alone) continue;
    bubble.append(text.slice(place, match.index));
    const link = document.createElement("a");
    link.textContent = match[0];
    link.href = isLink ? match[0] : "tel:" + match[0].replaceAll(" ", "");
    link.rel = "noopener noreferrer";
    bubble.append(link);
    place = match.index + match[0].length;
  }
  bubble.append(text.slice(place));
}

function show(line, isLast) {
  const bubble = document.createElement("div");
  bubble.className = line.ours ? "bubble" : "bubble mine";
  bubble.dir = "auto";
  if (line.ours) withLinks(bubble, line.text);
  else bubble.append(line.text.replace(/^\//, "") || "…");
  const time = document.createElement("time");
  time.textContent = line.time;
  bubble.append(time);
  thread.append(bubble);
  if (line.ours && isLast && line.quick_replies.length) {
    const choices = document.createElement("div");
    choices.className = "choices";
    for (const [title, payload] of line.quick_replies) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = title;
      button.dir = "auto";
      button.addEventListener("click", () => send({ kind: "quick_reply", text: title, payload }));
      choices.append(button);
    }
    thread.append(choices);
  }
}

async function refresh() {
  const lines = await call("GET");
  const fresh = lines.filter((line) => !shown.has(line.id));
  const lastOffer = lines.findLast((line) => line.ours && line.quick_replies.length);
  const lastMine = lines.findLastIndex((line) => !line.ours);
  for (const line of fresh) {
    shown.add(line.id);
    show(line, line === lastOffer && lines.indexOf(line) > lastMine);
    if (line.ours) waiting = 0;
  }
  if (fresh.length) thread.scrollTop = thread.scrollHeight;
  state.textContent = waiting && Date.now() - waiting < 15000 ? "écrit…" : "en ligne";
}

document.getElementById("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = words.value.trim();
  words.value = "";
  if (text) send({ kind: "text", text });
});
words.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey) {
    event.preventDefault();
    document.getElementById("composer").requestSubmit();
  }
});
document.getElementById("photo").addEventListener("click", () => send({ kind: "photo" }));
document.getElementById("again").addEventListener("click", () => {
  phone = newPhone();
  shown = new Set();
  thread.replaceChildren();
  send({ kind: "start" });
});
if (!sessionStorage.getItem("begun")) {
  sessionStorage.setItem("begun", "yes");
  send({ kind: "start" });
}
setInterval(() => refresh().catch(() => { state.textContent = "connexion perdue, on réessaie"; }), 700);
