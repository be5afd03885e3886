// What a person would see at once on a page: boxes that run over, words cut in two, texts in each other's way, colours that cannot be told apart.
(() => {
  "use strict";
  const found = [];
  const name = (e) => {
    const of = e.getAttribute("class");
    return `<${e.tagName.toLowerCase()}${of ? "." + of.trim().replace(/\s+/g, ".") : ""}> "${e.textContent.trim().replace(/\s+/g, " ").slice(0, 50)}"`;
  };
  const closed = [...document.querySelectorAll("details:not([open])")];
  const shut = (e) => closed.some((d) => d.contains(e) && !d.querySelector("summary")?.contains(e));
  const seen = (e) => {
    const box = e.getBoundingClientRect();
    return box.width > 1 && box.height > 1 && getComputedStyle(e).visibility !== "hidden" && !e.closest(".hidden, .skip") && !shut(e);
  };

  // Boxes that run over. One that scrolls may; one that ends in an ellipsis says that it is cut.
  for (const e of document.querySelectorAll("body, body *:not(svg *)")) {
    const style = getComputedStyle(e);
    if (style.display.startsWith("inline") && style.display !== "inline-block" || !seen(e)) continue;
    if (["auto", "scroll"].includes(style.overflowX) || style.textOverflow === "ellipsis") continue;
    if (e.clientWidth > 0 && e.scrollWidth > e.clientWidth + 1 && !(e.tagName === "svg")) found.push(`runs over by ${e.scrollWidth - e.clientWidth}: ${name(e)}`);
  }

  // Words of ours that are cut in two. What strangers chose may be.
  const texts = (of) => {
    const walker = document.createTreeWalker(of, NodeFilter.SHOW_TEXT);
    const all = [];
    while (walker.nextNode()) all.push(walker.currentNode);
    return all;
  };
  for (const e of document.querySelectorAll("thead th, .tile > span, .tile .mark, button, nav a, h1, h2, h3, label > span, .agents li > span, .key li, summary, tbody td:first-child, .mark, p.soft")) {
    if (!seen(e)) continue;
    for (const text of texts(e)) {
      if (text.parentElement.closest("bdi, code")) continue;
      for (const word of text.data.matchAll(/[^\s\u00ad\-/·:]+/g)) {
        // Some sentences of ours have a stranger's name in them, without an element of its own.
        if (/[<>]/.test(word[0])) continue;
        const range = document.createRange();
        range.setStart(text, word.index);
        range.setEnd(text, word.index + word[0].length);
        const tops = new Set([...range.getClientRects()].filter((r) => r.width > 0.5).map((r) => Math.round(r.top)));
        if (tops.size > 1) found.push(`cut in two: "${word[0]}" in ${name(e)}`);
      }
    }
  }

  // Charts: nothing beside the picture, no text on another, none too small to be read.
  for (const svg of document.querySelectorAll("svg.chart")) {
    if (!seen(svg)) continue;
    const label = svg.getAttribute("aria-label") || "";
    if (svg.getAttribute("role") !== "img" || !label || !svg.querySelector(":scope > title")) found.push(`a chart without a name: ${name(svg)}`);
    if (!svg.closest("section")?.querySelector("table")) found.push(`a chart without its table: ${label}`);
    const whole = svg.getBoundingClientRect();
    const written = [...svg.querySelectorAll("text")].filter((t) => t.textContent.trim() && t.getClientRects().length);
    const boxes = written.map((t) => [t, t.getBoundingClientRect()]);
    for (const [t, box] of boxes) {
      if (box.left < whole.left - 1 || box.right > whole.right + 1 || box.top < whole.top - 1 || box.bottom > whole.bottom + 1) {
        found.push(`beside its chart "${label}": "${t.textContent}"`);
      }
      const size = parseFloat(getComputedStyle(t).fontSize) * whole.width / svg.viewBox.baseVal.width;
      if (size < 9) found.push(`too small (${size.toFixed(1)} px) in "${label}": "${t.textContent}"`);
      const rect = t.parentElement.tagName === "g" && t.parentElement.querySelector("rect")?.getBoundingClientRect();
      if (rect && (box.left < rect.left - 1 || box.right > rect.right + 1)) found.push(`wider than its part in "${label}": "${t.textContent}"`);
    }
    boxes.forEach(([t, a], n) => {
      for (const [other, b] of boxes.slice(n + 1)) {
        if (a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 3 && b.top < a.bottom - 3) found.push(`on each other in "${label}": "${t.textContent}", "${other.textContent}"`);
      }
    });
  }

  // Contrast after WCAG 2.2: 4.5 for text, 3 for large text and for what a chart draws.
  const pen = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  // A page has few colours, and reading one from the canvas is slow.
  const once = (kept, make) => (of) => {
    if (!kept.has(of)) kept.set(of, make(of));
    return kept.get(of);
  };
  const colour = once(new Map(), (text) => {
    pen.clearRect(0, 0, 1, 1);
    pen.fillStyle = text;
    pen.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = pen.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  });
  const over = ([r, g, b, a], below) => [r, g, b].map((c, n) => c * a + below[n] * (1 - a)).concat(1);
  const light = (rgb) => {
    const [r, g, b] = rgb.slice(0, 3).map((c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (a, b) => {
    const [x, y] = [light(a), light(b)].sort((m, n) => n - m);
    return (x + 0.05) / (y + 0.05);
  };
  const ground = once(new Map(), (e) => {
    if (!e) return [255, 255, 255, 1];
    if (e instanceof SVGElement) return ground(e.parentElement);
    const own = colour(getComputedStyle(e).backgroundColor);
    return own[3] === 1 ? own : over(own, ground(e.parentElement));
  });
  const bad = new Map();
  // What is paled is paled with all that is in it.
  const paled = once(new Map(), (e) => e ? getComputedStyle(e).opacity * paled(e.parentElement) : 1);
  const judge = (e, [r, g, b, a], below, least, what) => {
    const ink = [r, g, b, a * paled(e)];
    const is = contrast(over(ink, below), below);
    if (is < least - 0.005) bad.set(`${what} ${ink.slice(0, 3)} on ${below.slice(0, 3).map(Math.round)}`, `contrast ${is.toFixed(2)} of ${least}, ${what}: ${name(e)}`);
  };
  for (const e of document.querySelectorAll("body *:not(svg *):not(script):not(option)")) {
    if (![...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()) || !seen(e)) continue;
    const style = getComputedStyle(e);
    const size = parseFloat(style.fontSize);
    judge(e, colour(style.color), ground(e), size >= 24 || size >= 18.66 && style.fontWeight >= 700 ? 3 : 4.5, "text");
  }
  for (const e of document.querySelectorAll("svg.chart text, svg.chart rect, svg.chart circle, svg.chart .line")) {
    if (!seen(e.closest("svg"))) continue;
    const card = ground(e.closest("svg"));
    const style = getComputedStyle(e);
    if (e.tagName === "text") {
      const rect = e.parentElement.tagName === "g" && e.parentElement.querySelector("rect");
      judge(e, colour(style.fill), rect ? over(colour(getComputedStyle(rect).fill), card) : card, 4.5, "text of a chart");
    } else if (!e.parentElement.getAttribute("class")?.match(/^h[0-6]$/)) {
      // A cell of the heat map says by its number how much it is.
      judge(e, colour(e.classList.contains("line") ? style.stroke : style.fill), card, 3, "a part of a chart");
    }
  }
  found.push(...bad.values());
  return [...new Set(found)];
})()
