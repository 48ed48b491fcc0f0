/* Making nodes, telling values, drawing when it is time. Text only ever
 * becomes text: nothing of the data is parsed as markup. */

const SVG = "http://www.w3.org/2000/svg";

function setProps(node, props) {
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) {
      continue;
    }
    if (name === "text") {
      node.textContent = value;
    } else if (name.startsWith("on")) {
      node.addEventListener(name.slice(2), value);
    } else {
      node.setAttribute(name, value === true ? "" : value);
    }
  }
}

// el("p", { class: "note", onclick: f }, "text", node, ...)
function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  setProps(node, props);
  node.append(...children.flat().filter((c) => c !== null && c !== undefined));
  return node;
}

function svg(tag, props = {}, ...children) {
  const node = document.createElementNS(SVG, tag);
  setProps(node, props);
  node.append(...children);
  return node;
}

// A canvas of that size in CSS pixels, and its context scaled to the screen's.
function sizeCanvas(canvas, width, height) {
  const ratio = window.devicePixelRatio || 1;
  canvas.width = Math.max(1, Math.round(width * ratio));
  canvas.height = Math.max(1, Math.round(height * ratio));
  canvas.style.width = width + "px";
  canvas.style.height = height + "px";
  const ctx = canvas.getContext("2d");
  ctx.scale(ratio, ratio);
  return ctx;
}

/* Colours are custom properties of the style sheet; canvases ask for them. */

let printing = false;

function isDark() {
  if (printing) {
    return false;
  }
  return selection.theme ? selection.theme === "dark"
    : matchMedia("(prefers-color-scheme: dark)").matches;
}

function tone(name) {
  return getComputedStyle(document.documentElement)
    .getPropertyValue("--" + name).trim();
}

// Colours of the steps of a scale, by step, from 1 on.
function scaleTones(name, steps) {
  const style = getComputedStyle(document.documentElement);
  return Array.from({ length: steps + 1 }, (_, i) => i === 0 ? ""
    : style.getPropertyValue(`--${name}-${i}`).trim());
}

function heatColours() {
  return scaleTones("heat", HEAT_STEPS);
}

function lossColours() {
  return scaleTones("loss", LOSS_STEPS);
}

function swatch(kind, text) {
  return el("li", {}, el("span", { class: "swatch " + kind }), text);
}

function lossSwatches() {
  return Array.from({ length: LOSS_STEPS }, (_, i) => swatch("loss-" +
    (i + 1), i < LOSS_BOUNDS.length ? "to " + LOSS_BOUNDS[i] : "to 100"));
}

/* What is said aloud: one live region for the page, told when the reader rests,
 * not at each step. */

let liveRegion = null;
let liveTimer = 0;
function announce(text) {
  if (!liveRegion) {
    liveRegion = el("p", { class: "unseen", role: "status",
      "aria-live": "polite" });
    document.body.append(liveRegion);
  }
  clearTimeout(liveTimer);
  liveTimer = setTimeout(() => {
    liveRegion.textContent = text;
  }, 250);
}

/* Drawing: a piece is drawn when it first comes near the screen, and again when
 * its width, the colours or the marked time change. */

const drawn = new Set(); // { node, draw, seen, width }
const pieceOf = new Map();

const nearScreen = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    const piece = pieceOf.get(entry.target);
    if (piece && entry.isIntersecting && !piece.seen) {
      piece.seen = true;
      drawPiece(piece);
    }
  }
}, { rootMargin: "300px" });

const widths = new ResizeObserver((entries) => {
  for (const entry of entries) {
    const piece = pieceOf.get(entry.target);
    if (piece && piece.seen && !printing &&
      Math.abs(entry.contentRect.width - piece.width) >= 1) {
      drawPiece(piece);
    }
  }
});

const PRINT_WIDTH = 680; // A4 less its margins, in CSS pixels

function drawPiece(piece) {
  const width = printing ? Math.min(PRINT_WIDTH, piece.printWidth)
    : Math.floor(piece.node.clientWidth);
  if (width > 0) {
    piece.width = width;
    piece.draw(width);
  }
}

function drawLazily(node, draw, printWidth = PRINT_WIDTH) {
  const piece = { node, draw, seen: false, width: 0, printWidth };
  drawn.add(piece);
  pieceOf.set(node, piece);
  nearScreen.observe(node);
  widths.observe(node);
  return node;
}

function forget(container) {
  for (const piece of drawn) {
    if (container.contains(piece.node)) {
      drawn.delete(piece);
      pieceOf.delete(piece.node);
      nearScreen.unobserve(piece.node);
      widths.unobserve(piece.node);
    }
  }
}

function drawAllAgain() {
  drawn.forEach((piece) => piece.seen && drawPiece(piece));
}

function drawForPrint() {
  printing = true;
  document.documentElement.dataset.theme = "light";
  drawn.forEach((piece) => drawPiece(piece));
}

// A table behind a chart, made when it is first asked for.
function asTable(what, make) {
  const details = el("details", { class: "as-table" },
    el("summary", {}, "As table", el("span", { class: "unseen" },
      ": " + what)));
  details.addEventListener("toggle", () => {
    if (details.open && details.childElementCount === 1) {
      const table = make();
      details.append(el("div", { class: "scroll", tabindex: 0, role: "region",
        "aria-label": what }, table));
      enhanceTable(table);
    }
  });
  return details;
}

// Rows of cells into a table: numbers are { v, text }, others text or nodes.
function buildTable(caption, heads, rows) {
  const numeric = heads.map((_, c) => rows.length > 0 && rows.every((row) =>
    row[c] !== null && typeof row[c] === "object" && "v" in row[c] &&
      !row[c].left));
  const cell = (value, c) => {
    const tag = c === 0 ? "th" : "td";
    const props = c === 0 ? { scope: "row" } : {};
    if (value !== null && typeof value === "object" && "v" in value) {
      props.class = [value.left ? "" : "n", value.kind].filter(Boolean)
        .join(" ") || null;
      props["data-v"] = isNumber(value.v) ? value.v : null;
      return el(tag, props, value.text);
    }
    return el(tag, props, value === undefined || value === null ? DASH : value);
  };
  return el("table", { class: "figures" }, el("caption", {}, caption),
    el("thead", {}, el("tr", {}, heads.map((head, c) =>
      el("th", { scope: "col", class: numeric[c] ? "n" : null }, head)))),
    el("tbody", {}, rows.map((row) => el("tr", {}, row.map(cell)))));
}

function msCell(x) {
  return { v: x, text: msNumber(x) };
}

function percentCell(x) {
  return { v: x, text: percentNumber(x) };
}

function timeCell(time) {
  return { v: time, text: bothTimes(time), left: true };
}

function button(text, onclick, props = {}) {
  return el("button", Object.assign({ type: "button", onclick }, props), text);
}

// A labelled <select>; options are [value, text].
function choice(label, options, value, onchange) {
  const select = el("select", { onchange: () => onchange(select.value) },
    options.map(([v, text]) => el("option", { value: v,
      selected: v === value }, text)));
  return el("label", { class: "choice" }, el("span", {}, label), select);
}
