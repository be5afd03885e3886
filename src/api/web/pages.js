// The part of a page that changes is asked for anew when the feed says that something has become true, and every few seconds.
"use strict";
(() => {
  const live = document.getElementById("live");
  if (!live) return;
  const beat = document.querySelector(".beat");
  const button = document.getElementById("pause");
  const changed = document.querySelector(".changed");
  const QUIET = 150, POLL = 5000, OLD = 15000;
  // The server's clock counts: a television's may be wrong.
  let ahead = Number(live.dataset.now) - Date.now();
  let last = Date.now(), paused = false, timer = 0, asking = false, again = false;

  const two = (n) => String(n).padStart(2, "0");
  const clock = (ms) => {
    const s = Math.max(0, Math.floor(ms / 1000));
    return s < 3600 ? Math.floor(s / 60) + ":" + two(s % 60) : Math.floor(s / 3600) + ":" + two(Math.floor(s / 60) % 60) + ":" + two(s % 60);
  };
  const say = (text) => { if (beat && beat.textContent !== text) beat.textContent = text; };
  const tick = () => {
    const now = Date.now() + ahead;
    const old = Date.now() - last > OLD;
    document.body.classList.toggle("stale", old && !paused);
    if (beat) {
      const at = new Date(last);
      say(paused ? beat.dataset.paused : old ? beat.dataset.old.replace("{}", two(at.getHours()) + ":" + two(at.getMinutes()) + ":" + two(at.getSeconds())) : beat.dataset.live);
    }
    if (old || paused) return;
    for (const of of document.querySelectorAll("[data-since]")) of.textContent = clock(now - Number(of.dataset.since));
  };
  // Nobody loses what they are typing or about to press.
  const busy = () => live.contains(document.activeElement) && document.activeElement.closest("form, details") || live.querySelector("details[open]");

  // Whoever reads with the keyboard stays where they are.
  const put = (text) => {
    const spots = () => [...live.querySelectorAll("a, button, input, select, summary, [tabindex]")];
    const at = spots().indexOf(document.activeElement);
    live.innerHTML = text;
    if (at >= 0) spots()[at]?.focus({ preventScroll: true });
  };

  const look = async () => {
    if (asking) { again = true; return; }
    asking = true;
    try {
      const url = new URL(location.href);
      url.searchParams.set("part", "live");
      const answer = await fetch(url, { credentials: "same-origin", redirect: "manual" });
      if (answer.type === "opaqueredirect" || answer.status === 403) { location.reload(); return; }
      if (!answer.ok) return;
      const text = await answer.text();
      const date = Date.parse(answer.headers.get("date") || "");
      if (date && Math.abs(date - Date.now() - ahead) > 2000) ahead = date - Date.now();
      last = Date.now();
      if (busy()) { if (changed && text !== look.text) changed.hidden = false; return; }
      if (text !== look.text) { put(text); if (look.text && changed) changed.hidden = true; }
      look.text = text;
      tick();
    } catch { /* The line says since when nothing came. */ } finally {
      asking = false;
      if (again) { again = false; soon(); }
    }
  };
  const soon = () => { if (!timer && !paused) timer = setTimeout(() => { timer = 0; look(); }, QUIET); };

  const kinds = live.dataset.kinds.split(",");
  let feed = null;
  const open = () => {
    feed = new EventSource("/v1/events?kind=" + kinds.join(","));
    for (const kind of kinds.concat("begin", "reset")) feed.addEventListener(kind, soon);
    feed.onerror = () => { if (feed.readyState === EventSource.CLOSED) setTimeout(open, 5000 + Math.random() * 5000); };
  };
  open();
  setInterval(() => { if (!paused) look(); }, POLL);
  setInterval(tick, 1000);
  if (button) button.addEventListener("click", () => {
    paused = !paused;
    button.textContent = paused ? button.dataset.resume : button.dataset.pause;
    if (!paused) look();
    tick();
  });
})();
