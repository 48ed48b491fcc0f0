/* What a round trip is made of, and which PoP answered when. */

const PHASES = ["dns", "connect", "tls", "first_byte", "total"];

// A bar of p50 with a thinner one up to p90, of `top` in all.
function phaseBar(phase, pair, top) {
  const [p50, p90] = pair;
  const at = (x) => Math.min(100, 100 * x / top).toFixed(2) + "%";
  return svg("svg", { class: "phase-bar", height: 14, "aria-hidden": "true" },
    svg("rect", { class: "tail", x: 0, y: 5, height: 4,
      width: at(Math.max(p50, p90 || 0)) }),
    svg("rect", { class: "phase-" + phase, x: 0, y: 1, height: 12,
      width: at(p50) }));
}

// Phases of each series that has them: a table whose figures are drawn, too.
function phaseTable(data, site) {
  const among = site.circuits.flatMap((c) => c.series).filter((s) =>
    s.now.phases && s.now.phases.total);
  if (!among.length) {
    return null;
  }
  const top = Math.max(...among.map((s) => Math.max(
    s.now.phases.total[0], s.now.phases.first_byte
      ? s.now.phases.first_byte[0] : 0))) * 1.05;
  const rows = among.flatMap((s) => PHASES.filter((p) =>
    s.now.phases[p]).map((phase, i) => {
    const pair = s.now.phases[phase];
    return el("tr", { class: i ? null : "first" },
      el("th", { scope: "row" }, i ? el("span", { class: "unseen" },
        s.target + " over " + s.owner.label) : s.target + " over " +
        s.owner.label + (s.probe === "https" ? "" : ", " + word(s.probe))),
      el("td", {}, word(phase)),
      el("td", { class: "drawn" }, phaseBar(phase, pair, top)),
      el("td", { class: "n", "data-v": pair[0] }, msNumber(pair[0])),
      el("td", { class: "n", "data-v": pair[1] }, msNumber(pair[1])));
  }));
  const table = el("table", { class: "figures phases" },
    el("caption", {}, "Phases: p50 (bar) and p90 (thin bar). Each is a " +
      "percentile of its own, so that they do not add up to the total."),
    el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "Target"),
      el("th", { scope: "col" }, "Phase"),
      el("th", { scope: "col" }, el("span", { class: "unseen" }, "Bar")),
      el("th", { scope: "col", class: "n" }, "p50, ms"),
      el("th", { scope: "col", class: "n" }, "p90, ms"))),
    el("tbody", {}, rows));
  return el("div", { class: "scroll" }, table);
}

/* The timeline of PoPs. */

const LOCATION_LETTERS = { primary: "P", backup: "B", neither: "N",
  unknown_pop: "?", unregistered: "" };

function locationClass(location) {
  return "at-" + (Object.hasOwn(LOCATION_LETTERS, location) ? location
    : "unregistered");
}

function runSentence(data, circuit, run) {
  const [code, from, to, n, location] = run;
  return circuit.label + ": " + popName(data, code) + " from " +
    bothTimes(from) + " to " + bothTimes(to) + " (" + duration(to - from) +
    "), " + count(n) + " answers" +
    (location && location !== "unregistered" ? ", " + (location === "neither"
      ? "neither primary nor backup location"
      : location === "unknown_pop" ? "a PoP that is not in the table"
        : word(location) + " location") : "");
}

function drawRuns(data, circuit, width, say) {
  const root = svg("svg", { class: "runs", width, height: 26,
    viewBox: `0 0 ${width} 26`, "aria-hidden": "true" });
  const at = (t) => Math.max(0, Math.min(width, width * (t - data.since) /
    (data.until - data.since)));
  circuit.runs.forEach((run, i) => {
    const [code, from, to, , location] = run;
    const next = circuit.runs[i + 1];
    // Up to the next one, unless nothing answered for long in between.
    const end = next && next[1] - to < 3 * data.bucket ? next[1] : to;
    const x = at(from), w = Math.max(1.5, at(end) - x);
    const text = runSentence(data, circuit, run);
    const group = svg("g", { class: "run " + locationClass(location) },
      svg("title", { text }),
      svg("rect", { x, y: 1, width: Math.max(1, w - 1), height: 24 }));
    const letter = LOCATION_LETTERS[location];
    const label = code + (letter ? " " + letter : "");
    if (w > 8 * label.length + 6) {
      group.append(svg("text", { x: x + 5, y: 17.5, text: label }));
    } else if (w > 8 * code.length + 4) {
      group.append(svg("text", { x: x + 3, y: 17.5, text: code }));
    }
    group.addEventListener("pointerenter", () => say(text));
    group.addEventListener("click", () => markTime(data, from));
    root.append(group);
  });
  if (isNumber(selection.time)) {
    root.append(svg("path", { class: "mark",
      d: `M${at(selection.time).toFixed(1)},0v26` }));
  }
  return root;
}

function runsTable(data, circuits) {
  return buildTable("PoPs that answered", ["Circuit", "PoP", "From", "To",
    "For", "Answers", "Location"], circuits.flatMap((c) => c.runs.map((run) =>
    [c.label, popName(data, run[0]), timeCell(run[1]), timeCell(run[2]),
      { v: run[2] - run[1], text: duration(run[2] - run[1]) },
      { v: run[3], text: count(run[3]) }, word(run[4])])));
}

function popTimeline(data, site) {
  const circuits = site.circuits.filter((c) => c.runs.length);
  if (!circuits.length) {
    return null;
  }
  const readout = el("p", { class: "readout" }, "Point at a piece for its " +
    "times; click marks its beginning in all charts.");
  const say = (text) => {
    readout.textContent = text;
  };
  const rows = circuits.map((circuit) => {
    const box = el("div", { class: "strip" });
    drawLazily(box, (width) => box.replaceChildren(
      drawRuns(data, circuit, width, say)), 480);
    return el("li", { class: "strip-row" },
      el("span", { class: "name" }, circuit.label), box);
  });
  const axis = el("canvas", { "aria-hidden": "true" });
  const axisBox = el("div", { class: "strip" });
  axisBox.append(axis);
  drawLazily(axisBox, (width) => drawStripAxis(axis, width, data), 480);
  rows.push(el("li", { class: "strip-row axis", "aria-hidden": "true" },
    el("span", { class: "name" }), axisBox));
  const used = new Set(circuits.flatMap((c) => c.runs.map((r) => r[4])));
  const legend = el("ul", { class: "legend" }, Object.keys(LOCATION_LETTERS)
    .filter((location) => used.has(location)).map((location) => el("li", {},
      el("span", { class: "swatch " + locationClass(location) }),
      (LOCATION_LETTERS[location] ? LOCATION_LETTERS[location] + ": " : "") +
      (location === "unregistered" ? "no peering location registered"
        : location === "neither" ? "neither primary nor backup"
          : location === "unknown_pop" ? "not in the table of PoPs"
            : word(location) + " peering location"))));
  return el("figure", { class: "pop-times" },
    el("figcaption", {}, "Which edge PoP answered"),
    el("ol", { class: "strips" }, rows), readout, legend,
    asTable("PoPs that answered", () => runsTable(data, circuits)));
}
