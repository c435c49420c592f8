"use strict";
// Small helpers of the console, each found by an attribute of the page. Without them every page still works.

// data-live="MILLISECONDS": the element is what the page shows of it now, fetched again and again.
function keepAlive(element) {
  const pause = Number(element.dataset.live);
  if (!pause) return;
  setTimeout(async () => {
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = answer.ok && page.getElementById(element.id);
      if (fresh && !element.contains(document.activeElement)) {
        element.replaceWith(fresh);
        element = fresh;
      }
    } finally {
      keepAlive(element);
    }
  }, pause);
}

for (const element of document.querySelectorAll("[data-live]")) keepAlive(element);

// data-log="ADDRESS" data-size="BYTES" data-pause="MILLISECONDS": text that grows by what the address has more.
function follow(element) {
  const pause = Number(element.dataset.pause);
  if (!pause) return;
  setTimeout(async () => {
    try {
      const address = new URL(element.dataset.log, location.href);
      address.searchParams.set("from", element.dataset.size);
      const answer = await fetch(address);
      if (answer.ok) {
        const atEnd = element.scrollTop + element.clientHeight >= element.scrollHeight - 4;
        element.append(await answer.text());
        element.dataset.size = answer.headers.get("X-Log-Size");
        if (atEnd) element.scrollTop = element.scrollHeight;
      }
    } finally {
      follow(element);
    }
  }, pause);
}

for (const element of document.querySelectorAll("[data-log]")) follow(element);

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
