
"use strict";
/* Fetches the page again every two seconds, puts what has changed in its
   place, and draws the rates of what counts. */
(() => {
  const PERIOD = 2000, KEPT = 60;
  /* Rates are means of ten seconds; and below these, a plot is flat. */
  const SMOOTH = 5, FLOOR = { load: 1e4, bytes: 1e3 };
  const SVG = "http://www.w3.org/2000/svg";
  const history = new Map();
  let shown = 0;

  document.documentElement.classList.add("script");

  const now = page =>
    Number((page.getElementById("facts") || { dataset: {} }).dataset.now) || 0;

  /* Attributes of a node, and the text of a text. */
  function copy(from, to) {
    if (to.nodeType !== Node.ELEMENT_NODE) {
      if (to.nodeValue !== from.nodeValue) to.nodeValue = from.nodeValue;
      return;
    }
    for (const name of to.getAttributeNames())
      if (!from.hasAttribute(name)) to.removeAttribute(name);
    for (const { name, value } of from.attributes)
      if (to.getAttribute(name) !== value) to.setAttribute(name, value);
  }

  const alike = (a, b) => a && a.nodeName === b.nodeName &&
    (!b.dataset || a.dataset.key === b.dataset.key);

  /* Make to like from, and leave alone what is the same already. */
  function sync(from, to) {
    copy(from, to);
    if (to.nodeType !== Node.ELEMENT_NODE || "rate" in to.dataset) return;
    const rows = new Map();
    for (const row of to.children)
      if (row.dataset.key !== undefined) rows.set(row.dataset.key, row);
    let place = to.firstChild;
    for (const want of [...from.childNodes]) {
      let have = place;
      if (!alike(place, want))
        have = want.dataset && rows.get(want.dataset.key);
      if (!alike(have, want)) have = document.importNode(want, true);
      else sync(want, have);
      if (have !== place) to.insertBefore(have, place);
      else place = place.nextSibling;
    }
    while (place) {
      const next = place.nextSibling;
      place.remove();
      place = next;
    }
  }

  function number(n) {
    return n < 9.95 ? n.toFixed(1).replace(/\.0$/, "") :
      Math.round(n).toLocaleString("en-US");
  }

  function bytes(n) {
    const units = ["B", "kB", "MB", "GB", "TB"];
    let i = 0;
    for (; n >= 1000 && i < units.length - 1; i++) n /= 1000;
    return `${number(n)}\u00a0${units[i]}`;
  }

  function rate(n, unit) {
    if (unit === "load") return `${number(n / 1e4)}\u00a0%`;
    return `${unit === "bytes" ? bytes(n) : number(n)}\u00a0/s`;
  }

  function element(name, attributes) {
    const made = document.createElementNS(SVG, name);
    for (const key in attributes) made.setAttribute(key, attributes[key]);
    return made;
  }

  /* The newest is at the right edge; what is not known yet is left of it. */
  function plot(rates, text, most) {
    const points = rates.map((r, i) =>
      `${(100 - (rates.length - 1 - i) * 100 / (KEPT - 1)).toFixed(1)},` +
      `${(19 - 18 * r / most).toFixed(1)}`);
    const first = points[0].split(",")[0];
    const svg = element("svg", { viewBox: "0 0 100 20", role: "img",
      preserveAspectRatio: "none", "aria-label": text });
    svg.append(
      element("path", { class: "area",
        d: `M${first},20 L${points.join(" L")} L100,20 Z` }),
      element("polyline", { class: "plot", points: points.join(" ") }));
    return svg;
  }

  function draw(cell) {
    const { rate: key, unit } = cell.dataset;
    const rates = history.get(key).rates;
    if (rates.length === 0) {
      cell.textContent = "\u2026";
      return;
    }
    const most = Math.max(...rates), last = rates[rates.length - 1];
    const text = document.createElement("span");
    text.textContent = rate(last, unit);
    cell.replaceChildren(
      plot(rates, `at most ${rate(most, unit)} in two minutes`,
        Math.max(most, FLOOR[unit] || 1)), text);
  }

  /* A number that has gone back counts from another start. */
  function count(cell, time) {
    const n = Number(cell.dataset.n), key = cell.dataset.rate;
    let h = history.get(key);
    if (!h || n < h.past[h.past.length - 1].n) {
      h = { past: [], rates: [] };
      history.set(key, h);
    }
    h.past.push({ n, time });
    if (h.past.length > SMOOTH + 1) h.past.shift();
    const first = h.past[0];
    if (time > first.time) h.rates.push((n - first.n) / (time - first.time));
    if (h.rates.length > KEPT) h.rates.shift();
    h.seen = time;
    draw(cell);
  }

  function countAll() {
    const time = now(document);
    if (time === 0 || time === shown) return;
    shown = time;
    for (const cell of document.querySelectorAll("[data-rate]"))
      count(cell, time);
    for (const [key, h] of history)
      if (h.seen !== time) history.delete(key);
    document.getElementById("updated").textContent =
      `updated ${new Date(time * 1000).toLocaleTimeString()}`;
  }

  function say(text) {
    const stale = document.getElementById("stale");
    stale.hidden = text === "";
    if (stale.textContent !== text) stale.textContent = text;
  }

  async function update() {
    let text;
    try {
      const reply = await fetch("", { cache: "no-store" });
      if (!reply.ok) throw new Error(reply.statusText);
      text = await reply.text();
    } catch (_) {
      say("tcpmux-exporter does not answer. This is what it said last.");
      return;
    }
    const page = new DOMParser().parseFromString(text, "text/html");
    for (const part of ["#state", "main"])
      sync(page.querySelector(part), document.querySelector(part));
    say("");
    countAll();
  }

  async function live() {
    if (!document.hidden) await update();
    setTimeout(live, PERIOD);
  }

  countAll();
  setTimeout(live, PERIOD);
})();
