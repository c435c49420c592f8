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
