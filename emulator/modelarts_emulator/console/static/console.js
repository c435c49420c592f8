"use strict";
// Small helpers of the console, each found by an attribute of the page. Without them every page still works.

// data-live="MILLISECONDS": the element is renewed from the page as it is now, 0 for never; the least number on the page
// says how often. data-also: it is renewed when others are. What a reader has done stays: the focus, how far they have scrolled, what they have opened.
const SCROLLS = ".wide, pre";
const OFFLINE_PAUSE = 5000;

function nameOf(element) {
  const form = element.closest("form");
  return element.id || element.getAttribute("href") || (form && form.getAttribute("action"));
}

function replace(old, fresh) {
  const focused = old.contains(document.activeElement) && document.activeElement;
  const places = [...old.querySelectorAll(SCROLLS)].map((each) => [each.scrollLeft, each.scrollTop]);
  const opened = [...old.querySelectorAll("details")].map((each) => each.open);
  old.replaceWith(fresh);
  fresh.querySelectorAll(SCROLLS).forEach((each, at) => {
    if (places[at]) [each.scrollLeft, each.scrollTop] = places[at];
  });
  fresh.querySelectorAll("details").forEach((each, at) => {
    if (at < opened.length) each.open = opened[at];
  });
  letScroll(fresh);
  fresh.querySelectorAll("[data-log]").forEach(follow);
  if (!focused) return;
  const name = nameOf(focused);
  const again = [...fresh.querySelectorAll("a, button, [tabindex]")].find((each) => name && nameOf(each) === name);
  if (again) again.focus({ preventScroll: true });
}

async function renew() {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const old of document.querySelectorAll('[data-live]:not([data-live="0"]), [data-also]')) {
    const fresh = page.getElementById(old.id);
    if (fresh && !old.isEqualNode(fresh)) replace(old, document.adoptNode(fresh));
  }
  tick();
}

function keepLive() {
  const pauses = [...document.querySelectorAll("[data-live]")].map((each) => Number(each.dataset.live)).filter(Boolean);
  if (!pauses.length) return;
  const offline = document.querySelector("[data-offline]");
  setTimeout(
    async () => {
      try {
        if (!document.hidden) await renew();
        offline.hidden = true;
      } catch {
        offline.hidden = false;
      }
      keepLive();
    },
    offline.hidden ? Math.min(...pauses) : OFFLINE_PAUSE,
  );
}

// What is wider than its place scrolls within itself, by keyboard too; it is named by the heading above it.
function letScroll(root) {
  for (const each of root.querySelectorAll(".wide")) {
    if (each.scrollWidth <= each.clientWidth) continue;
    const section = each.closest("section") || document;
    const heading = section.querySelector("h2, h3") || document.querySelector("h1");
    each.tabIndex = 0;
    each.setAttribute("role", "region");
    each.setAttribute("aria-label", section.ariaLabel || heading.textContent);
  }
}

// data-clock="SECONDS" data-speed="FACTOR": virtual time that goes on between two renewals.
function tick() {
  for (const each of document.querySelectorAll("[data-clock]")) {
    const speed = Number(each.dataset.speed);
    each.since ??= performance.now();
    if (!speed) continue;
    const now = Number(each.dataset.clock) + (speed * (performance.now() - each.since)) / 1000;
    const text = new Date(now * 1000).toISOString().slice(0, 19).replace("T", " ");
    if (each.textContent !== text) each.textContent = text;
  }
}

letScroll(document);
addEventListener("resize", () => letScroll(document));
document.querySelectorAll("[data-log]").forEach(follow);
tick();
setInterval(tick, 250);
keepLive();
// Where the menu is a strip, the page that one is on is in sight.
const menu = document.querySelector(".menu");
const current = menu.querySelector("[aria-current]");
if (current) menu.scrollLeft = current.offsetLeft - menu.clientWidth / 2;

// data-log="ADDRESS" data-size="BYTES" data-pause="MILLISECONDS": text that grows by what the address has more, until
// that says with X-Log-Over that there comes no more.
function follow(element) {
  element.scrollTop = element.scrollHeight;
  const pause = Number(element.dataset.pause);
  if (pause) setTimeout(readOn, pause, element, pause);
}

async function readOn(element, pause) {
  if (!element.isConnected) return;
  let isOver = false;
  try {
    const address = new URL(element.dataset.log, location.href);
    address.searchParams.set("from", element.dataset.size);
    const answer = await fetch(address);
    if (answer.ok) {
      const atEnd = element.scrollTop + element.clientHeight >= element.scrollHeight - 4;
      element.append(await answer.text());
      element.dataset.size = answer.headers.get("X-Log-Size");
      isOver = answer.headers.get("X-Log-Over") === "true";
      if (atEnd) element.scrollTop = element.scrollHeight;
    }
  } catch {
    // The page itself says that the emulator does not answer.
  }
  if (!isOver) setTimeout(readOn, pause, element, pause);
}

// data-chat: a form whose answer is shown word by word in the element data-talk.
function turn(place, kind, who) {
  const line = document.createElement("p");
  line.className = kind;
  const name = document.createElement("strong");
  name.textContent = who;
  line.append(name, " ");
  place.append(line);
  return line;
}

function readFrame(line, answer, place) {
  const text = line.replace(/^data:\s*/, "");
  if (!line.startsWith("data:") || text === "[DONE]") return;
  const frame = JSON.parse(text);
  if (frame.error || frame.error_msg) throw new Error(frame.error_msg || frame.error.message);
  const said = frame.choices && frame.choices[0] && (frame.choices[0].delta || frame.choices[0].message);
  const words = said ? said.content || said.reasoning_content || "" : "";
  for (const call of (said && said.tool_calls) || []) {
    const named = call.function || {};
    answer.calls.append((named.name ? `${named.name} ` : "") + (named.arguments || ""));
  }
  if (said && said.content) answer.content += said.content;
  answer.line.insertBefore(document.createTextNode(words), answer.calls);
  if (frame.usage) {
    const used = document.querySelector("[data-usage]");
    used.textContent = `${frame.usage.prompt_tokens} + ${frame.usage.completion_tokens} ${place.dataset.tokens}`;
  }
}

async function say(form, place) {
  const fields = new URLSearchParams(new FormData(form));
  const history = JSON.parse(fields.get("history"));
  const system = fields.get("system").trim();
  if (!history.length && system) history.push({ role: "system", content: system });
  history.push({ role: "user", content: fields.get("content") });
  turn(place, "asked", place.dataset.you).append(fields.get("content"));
  const line = turn(place, "assistant", "assistant");
  const answer = { line, content: "", calls: line.appendChild(document.createElement("code")) };
  const reply = await fetch(form.action, { method: "POST", body: fields, headers: { Accept: "text/event-stream" } });
  if (!reply.ok) throw new Error(`${reply.status} ${await reply.text()}`);
  const reader = reply.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
    const lines = (rest + piece.value).split("\n");
    rest = lines.pop();
    for (const each of lines) readFrame(each, answer, place);
  }
  history.push({ role: "assistant", content: answer.content });
  form.elements.history.value = JSON.stringify(history);
  form.elements.content.value = "";
}

for (const form of document.querySelectorAll("[data-chat]")) {
  const place = document.querySelector("[data-talk]");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("button");
    button.disabled = true;
    try {
      await say(form, place);
    } catch (error) {
      turn(place, "refusal", "!").append(error.message);
    } finally {
      button.disabled = false;
      form.elements.content.focus();
    }
  });
}

// data-copy="ID": a button that copies the text of an element; it is there only where that works.
for (const button of document.querySelectorAll("[data-copy]")) {
  if (!navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
    button.textContent = button.dataset.done;
  });
}
