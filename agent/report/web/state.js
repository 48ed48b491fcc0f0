/* What is selected. It stands in the address, so that a link leads to it and
 * the browser's own back leads away:
 * #site=NAME&circuit=NAME&target=TARGET&probe=PROBE&t=SECONDS&theme=dark
 * An address without these is that of the overview, or of a part of it. */

const selection = { site: null, circuit: null, series: null, time: null,
  theme: "" };
const listeners = [];

function onSelection(listener) {
  listeners.push(listener);
}

// A link to a site, and maybe a circuit, series and time in it.
function siteLink(site, more = {}) {
  const words = new URLSearchParams();
  words.set("site", site.name || "");
  const circuit = more.circuit || (more.series && more.series.owner);
  if (circuit) {
    words.set("circuit", circuit.name || "");
  }
  if (more.series) {
    words.set("target", more.series.target);
    words.set("probe", more.series.probe);
  }
  if (isNumber(more.time)) {
    words.set("t", String(Math.round(more.time)));
  }
  if (selection.theme) {
    words.set("theme", selection.theme);
  }
  return "#" + words;
}

function overviewLink() {
  return selection.theme ? "#theme=" + selection.theme : "#top";
}

function parseHash(data, hash) {
  const words = new URLSearchParams(hash.replace(/^#/, ""));
  const theme = words.get("theme");
  const out = { site: null, circuit: null, series: null, time: null,
    theme: theme === "dark" || theme === "light" ? theme : "" };
  const time = Number(words.get("t") || NaN);
  out.time = Number.isFinite(time) ? time : null;
  if (!words.has("site")) {
    return out;
  }
  out.site = data.sites.find((s) => (s.name || "") === words.get("site")) ||
    null;
  if (out.site && words.has("circuit")) {
    out.circuit = out.site.circuits.find((c) =>
      (c.name || "") === words.get("circuit")) || null;
  }
  if (out.site && words.has("target")) {
    const among = (out.circuit ? [out.circuit] : out.site.circuits)
      .flatMap((c) => c.series);
    out.series = among.find((s) => s.target === words.get("target") &&
      s.probe === words.get("probe")) || null;
  }
  return out;
}

// Take over what the address says, and tell everybody what was before. Links
// that were made earlier know nothing of the colours that were chosen since.
function followAddress(data) {
  const before = Object.assign({}, selection);
  const now = parseHash(data, location.hash);
  Object.assign(selection, now, { theme: now.theme || before.theme });
  listeners.forEach((listener) => listener(selection, before));
}

// Change what is selected without a new entry in the history.
function adjust(data, changes) {
  const next = Object.assign({}, selection, changes);
  const theme = selection.theme;
  selection.theme = next.theme;
  let hash = next.site ? siteLink(next.site, next) : overviewLink();
  if (!next.site && isNumber(next.time)) {
    hash = "#t=" + Math.round(next.time) +
      (next.theme ? "&theme=" + next.theme : "");
  }
  selection.theme = theme;
  history.replaceState(null, "", hash);
  followAddress(data);
}

function markTime(data, time) {
  adjust(data, { time });
}
