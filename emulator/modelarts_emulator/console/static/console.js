"use strict";
// Small helpers of the console, each found by an attribute of the page. Without them every page still works.

// data-live="MILLISECONDS": the element is renewed from the page as it is now, 0 for never; the least number on the page
// says how often. data-also: it is renewed when others are. data-from: the address of the page, where a
// form has led elsewhere. data-page: the address of another page that has the element, which takes longer to make: it is
// asked for once this one is shown, and whenever this one is renewed. What a reader has done stays: the focus, how far they have scrolled, what they have opened.
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

async function renewFrom(address, elements) {
  const answer = await fetch(address, { headers: { Accept: "text/html" } });
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const old of elements) {
    const fresh = page.getElementById(old.id);
    if (fresh && !old.isEqualNode(fresh)) replace(old, document.adoptNode(fresh));
  }
}

async function renew() {
  const from = document.querySelector("[data-from]");
  const live = [...document.querySelectorAll('[data-live]:not([data-live="0"]), [data-also]')];
  const address = from ? from.dataset.from : location.href;
  await renewFrom(address, live.filter((each) => !each.dataset.page));
  tick();
  for (const each of live.filter((each) => each.dataset.page)) await renewFrom(each.dataset.page, [each]);
}

// Whoever loads the page again then looks at it, and sends nothing once more.
const sentFrom = document.querySelector("[data-from]");
if (sentFrom) history.replaceState(null, "", sentFrom.dataset.from);

let waiting = 0;

async function renewOrSay() {
  clearTimeout(waiting);
  const offline = document.querySelector("[data-offline]");
  try {
    if (!document.hidden) await renew();
    offline.hidden = true;
  } catch {
    offline.hidden = false;
  }
  keepLive();
}

function keepLive() {
  clearTimeout(waiting);
  const pauses = [...document.querySelectorAll("[data-live]")].map((each) => Number(each.dataset.live)).filter(Boolean);
  const isOffline = !document.querySelector("[data-offline]").hidden;
  if (pauses.length) waiting = setTimeout(renewOrSay, isOffline ? OFFLINE_PAUSE : Math.min(...pauses));
}

// What is wider than its place scrolls within itself, by keyboard too; it is named by the heading above it.
function letScroll(root) {
  for (const each of root.querySelectorAll(".wide")) {
    if (each.scrollWidth <= each.clientWidth) continue;
    const section = each.closest("section") || document;
    const heading = section.querySelector("h2, h3") || document.querySelector("h1");
    each.tabIndex = 0;
    each.setAttribute("role", "group");
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
for (const each of document.querySelectorAll("[data-page]")) {
  // Who leaves the page meanwhile, or has lost the emulator, sees that by itself.
  renewFrom(each.dataset.page, [each]).catch(() => {});
}
keepLive();
// Who comes back to a tab sees it as it is now.
document.addEventListener("visibilitychange", renewOrSay);
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
  const said = (frame.choices && frame.choices[0] && (frame.choices[0].delta || frame.choices[0].message)) || {};
  for (const call of said.tool_calls || []) {
    const whole = (answer.calls[call.index || 0] ??= { id: "", type: "function", function: { name: "", arguments: "" } });
    whole.id ||= call.id || "";
    whole.function.name ||= call.function.name || "";
    whole.function.arguments += call.function.arguments || "";
  }
  answer.shown.textContent = answer.calls.map((each) => `${each.function.name}(${each.function.arguments})`).join("\n");
  if (said.content) answer.content += said.content;
  answer.line.insertBefore(document.createTextNode(said.content || said.reasoning_content || ""), answer.shown);
  if (frame.usage) {
    const used = document.querySelector("[data-usage]");
    const { asked, answered, tokens } = place.dataset;
    used.textContent = `${asked} ${frame.usage.prompt_tokens} + ${answered} ${frame.usage.completion_tokens} ${tokens}`;
  }
}

// What the form adds to the conversation: the results of the tools that the model has asked for, else what the user says.
function added(history, content) {
  const last = history[history.length - 1];
  if (!last || !last.tool_calls) return [{ role: "user", content }];
  return last.tool_calls.map((call) => ({ role: "tool", tool_call_id: call.id, content }));
}

async function wordsOfRefusal(reply) {
  const text = await reply.text();
  if (!(reply.headers.get("Content-Type") || "").includes("html")) return `${reply.status} ${text}`;
  const words = new DOMParser().parseFromString(text, "text/html").querySelector(".refusal");
  return words ? words.textContent : `${reply.status}`;
}

async function say(form, place) {
  const fields = new URLSearchParams(new FormData(form));
  const history = JSON.parse(fields.get("history"));
  const system = fields.get("system").trim();
  if (!history.length && system) history.push({ role: "system", content: system });
  const messages = added(history, fields.get("content"));
  history.push(...messages);
  document.querySelector("[data-hint]").hidden = true;
  turn(place, "asked", messages[0].role === "tool" ? "tool" : place.dataset.you).append(fields.get("content"));
  const line = turn(place, "assistant", "assistant");
  const answer = { line, content: "", calls: [], shown: line.appendChild(document.createElement("code")) };
  const reply = await fetch(form.action, { method: "POST", body: fields, headers: { Accept: "text/event-stream" } });
  if (!reply.ok) throw new Error(await wordsOfRefusal(reply));
  const reader = reply.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
    const lines = (rest + piece.value).split("\n");
    rest = lines.pop();
    for (const each of lines) readFrame(each, answer, place);
  }
  const calls = answer.calls.length ? { tool_calls: answer.calls } : {};
  history.push({ role: "assistant", content: answer.content, ...calls });
  document.querySelector("[data-tool-hint]").hidden = !answer.calls.length;
  form.elements.history.value = JSON.stringify(history);
  form.elements.content.value = "";
}

for (const form of document.querySelectorAll("[data-chat]")) {
  const place = document.querySelector("[data-talk]");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("button");
    if (button.disabled) return;
    button.disabled = true;
    const said = place.childElementCount;
    try {
      await say(form, place);
    } catch (error) {
      while (place.childElementCount > said + 1) place.lastElementChild.remove();
      turn(place, "refusal", "!").append(error.message);
    } finally {
      button.disabled = false;
      form.elements.content.focus();
    }
  });
  form.elements.content.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    form.requestSubmit();
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
