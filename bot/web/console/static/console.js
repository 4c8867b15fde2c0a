// The console's own behaviour: drafts, hints, the heartbeat, times that count, tabs on a phone. Texts are set as text only.
"use strict";

const DRAFT_AFTER = 700;
const HINTS_AFTER = 350;
const BEAT_EVERY = 20000;
const THERE_FOR = 90000;
const csrf = JSON.parse(document.body.getAttribute("hx-headers"))["X-CSRF-Token"];
let lastSign = Date.now();
const timers = new WeakMap();

for (const sign of ["keydown", "pointerdown", "pointermove", "scroll", "focus"]) {
  window.addEventListener(sign, () => { lastSign = Date.now(); }, { passive: true, capture: true });
}

function post(url, values) {
  return fetch(url, {
    method: "POST",
    headers: { "Content-Type": "application/x-www-form-urlencoded", "X-CSRF-Token": csrf, "HX-Request": "true" },
    body: new URLSearchParams(values),
  });
}

function later(element, name, wait, work) {
  const own = timers.get(element) || {};
  clearTimeout(own[name]);
  own[name] = setTimeout(work, wait);
  timers.set(element, own);
}

function onTyped(area) {
  const form = area.closest("form[data-draft]");
  if (!form) return;
  unkept.add(area);
  later(area, "draft", DRAFT_AFTER, () => keep(area, form.dataset.draft));
  later(area, "hints", HINTS_AFTER, async () => {
    const answer = await post(form.dataset.hints, { text: area.value }).catch(() => null);
    // Our own server escaped everything in it, quotes of the draft included.
    if (answer && answer.ok) form.querySelector(".hints").innerHTML = await answer.text();
  });
}

// What could not be kept because the line was cut is kept as soon as it is back.
const unkept = new Set();
async function keep(area, url) {
  const text = area.value;
  const answer = await post(url, { text }).catch(() => null);
  if (answer === null) lost(true);
  else if (area.value === text) unkept.delete(area);
}
document.body.addEventListener("resync", () => {
  for (const area of unkept) if (area.isConnected) keep(area, area.closest("form").dataset.draft);
});

function insert(conversation, text) {
  const area = document.getElementById("text-" + conversation);
  if (!area) return;
  area.value = area.value ? area.value.trimEnd() + "\n\n" + text : text;
  showPane("talk");
  area.focus();
  onTyped(area);
}

document.addEventListener("input", (event) => {
  if (event.target.matches(".composer textarea")) onTyped(event.target);
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target.matches(".composer textarea")) {
    event.preventDefault();
    event.target.form.requestSubmit();
  }
});
document.addEventListener("click", (event) => {
  const button = event.target.closest("button.insert");
  if (button) insert(button.dataset.conversation, button.dataset.insert);
  const tab = event.target.closest("[role=tab]");
  if (tab) showPane(tab.dataset.pane);
  if (event.target.closest(".reason a")) showPane("talk");
});
document.addEventListener("change", async (event) => {
  if (!event.target.matches("select.theme") || !event.target.value) return;
  const { conversation } = event.target.dataset;
  const url = `/console/c/${conversation}/referral?theme=${encodeURIComponent(event.target.value)}`;
  const answer = await fetch(url).catch(() => null);
  if (answer && answer.ok) insert(conversation, await answer.text());
  event.target.value = "";
});
document.addEventListener("keydown", (event) => {
  if (!event.target.matches("[role=tab]")) return;
  const tabs = [...document.querySelectorAll("[role=tab]")];
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  const next = tabs[(tabs.indexOf(event.target) + step + tabs.length) % tabs.length];
  next.focus();
  showPane(next.dataset.pane);
});

function showPane(name) {
  for (const pane of document.querySelectorAll(".pane")) pane.classList.toggle("shown", pane.id === "pane-" + name);
  for (const tab of document.querySelectorAll("[role=tab]")) {
    tab.setAttribute("aria-selected", String(tab.dataset.pane === name));
    tab.tabIndex = tab.dataset.pane === name ? 0 : -1;
  }
}

function spell(milliseconds) {
  const minutes = Math.max(0, Math.floor(milliseconds / 60000));
  const hours = Math.floor(minutes / 60);
  return hours ? `${hours} h ${String(minutes % 60).padStart(2, "0")}` : `${minutes} min`;
}

function tick() {
  for (const time of document.querySelectorAll("time.elapsed")) time.textContent = spell(Date.now() - Date.parse(time.dataset.since));
  for (const mark of document.querySelectorAll(".window[data-until]")) {
    const left = Date.parse(mark.dataset.until) - Date.now();
    mark.querySelector(".left").textContent = spell(left);
    mark.classList.toggle("short", left < 2 * 3600 * 1000);
    mark.hidden = left <= 0;
    const warning = mark.closest(".talk").querySelector(".window-closed");
    if (warning) warning.hidden = left > 0;
  }
}

function toEnd(scroll) { scroll.scrollTop = scroll.scrollHeight; }
const atEnd = new WeakMap();
document.body.addEventListener("htmx:beforeSwap", (event) => {
  const scroll = event.detail.target.closest && event.detail.target.closest(".scroll");
  if (scroll) atEnd.set(scroll, scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 80);
});
document.body.addEventListener("htmx:sseMessage", () => lost(false));
document.body.addEventListener("htmx:afterSwap", (event) => {
  const scroll = event.detail.target.closest && event.detail.target.closest(".scroll");
  if (scroll && atEnd.get(scroll)) toEnd(scroll);
  tick();
  listen();
});
document.body.addEventListener("htmx:afterRequest", (event) => {
  const form = event.detail.elt;
  if (!form.matches("form.composer") || !event.detail.successful || event.detail.xhr.getResponseHeader("HX-Retarget")) return;
  const area = form.querySelector("textarea");
  const own = timers.get(area) || {};
  clearTimeout(own.draft);
  clearTimeout(own.hints);
  unkept.delete(area);
  area.value = "";
  form.querySelector(".hints").replaceChildren();
  area.focus();
});

// A blink is not worth a word: said only when the line stays cut, and taken back when it is there again.
let lostTimer = 0;
let isLeaving = false;
window.addEventListener("pagehide", () => { isLeaving = true; });
function lost(isLost) {
  if (!isLost) {
    clearTimeout(lostTimer);
    lostTimer = 0;
    document.getElementById("lost").hidden = true;
  } else if (!lostTimer && !isLeaving) {
    // Started once: every new try that fails would otherwise put it off again.
    lostTimer = setTimeout(() => { document.getElementById("lost").hidden = false; }, 2500);
  }
}
let wasLost = false;
document.body.addEventListener("htmx:sseError", () => { wasLost = true; lost(true); });
document.body.addEventListener("htmx:sendError", () => { wasLost = true; lost(true); });
document.body.addEventListener("htmx:sseOpen", () => {
  lost(false);
  if (wasLost) htmx.trigger(document.body, "resync");
  wasLost = false;
});

async function beat() {
  if (document.visibilityState !== "visible" && Date.now() - lastSign > THERE_FOR) return;
  if (Date.now() - lastSign > THERE_FOR) return;
  await post("/console/beat", {}).catch(() => null);
}

// Sound: for somebody in immediate danger only, once each. Notifications: only while nobody looks, and without a word.
let known = null;
let heard = new Set();
let answersDue = null;
function listen() {
  const choices = document.getElementById("choices");
  const notice = document.querySelector(".notice");
  if (!choices || !notice) return;
  const waiting = split(notice.dataset.ids);
  const imminent = split(notice.dataset.imminent);
  const isNew = known && waiting.some((id) => !known.has(id));
  const isGrave = known && imminent.some((id) => !heard.has(id));
  known = new Set([...(known || []), ...waiting]);
  heard = new Set([...heard, ...imminent]);
  if (isGrave && choices.dataset.sound === "on") ring();
  if (isNew || isGrave) tell(notice.dataset.text, "queue");
  const mine = document.querySelector(".notice-mine");
  const due = mine ? Number(mine.dataset.count) : 0;
  if (answersDue !== null && due > answersDue) tell(mine.dataset.text, "mine");
  answersDue = due;
}

function split(text) { return (text || "").split(" ").filter(Boolean); }

function ring() {
  if (!navigator.userActivation?.hasBeenActive) return;
  const audio = new AudioContext();
  const tone = audio.createOscillator();
  const gain = audio.createGain();
  gain.gain.setValueAtTime(0.12, audio.currentTime);
  gain.gain.exponentialRampToValueAtTime(0.001, audio.currentTime + 0.6);
  tone.frequency.value = 523;
  tone.connect(gain).connect(audio.destination);
  tone.addEventListener("ended", () => audio.close());
  tone.start();
  tone.stop(audio.currentTime + 0.6);
}

function tell(text, tag) {
  const wanted = document.getElementById("choices").dataset.notices === "on";
  if (!text || !wanted || document.visibilityState === "visible") return;
  if (!("Notification" in window) || Notification.permission !== "granted") return;
  try {
    const shown = new Notification("Relais", { body: text, tag, renotify: true, silent: true });
    shown.addEventListener("click", () => { window.focus(); shown.close(); });
  } catch {
    // Phones let only installed pages notify: the alerts on Telegram are for them.
  }
}

document.body.addEventListener("htmx:confirm", async (event) => {
  if (!event.detail.elt.matches("form.asks-browser")) return;
  event.preventDefault();
  const isAllowed = "Notification" in window && (await Notification.requestPermission()) === "granted";
  if (isAllowed) event.detail.issueRequest(true);
  else document.querySelector("#choices .denied").hidden = false;
});

if (document.body.classList.contains("desk")) {
  showPane(document.querySelector(".talk") ? "talk" : "queue");
  document.querySelectorAll(".scroll").forEach(toEnd);
  setInterval(beat, BEAT_EVERY);
  beat();
}
tick();
listen();
setInterval(tick, 15000);
