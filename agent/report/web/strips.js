/* Heat strips: a row for each site or circuit, time from left to right, colour
 * by the median of each bucket, loss below it. One cursor for all rows. */

const STRIP_HEAT = 18; // pixels
const STRIP_LOSS = 6;
const STRIP_HEIGHT = STRIP_HEAT + STRIP_LOSS;

// The worst of the buckets under each pixel column.
function stripColumns(cells, columns) {
  const n = cells.p50.length;
  return Array.from({ length: columns }, (_, x) => {
    const from = Math.floor(x * n / columns);
    const to = Math.max(from + 1, Math.floor((x + 1) * n / columns));
    const out = { p50: null, loss: null };
    for (let i = from; i < to && i < n; i++) {
      if (cells.p50[i] !== null && !(out.p50 >= cells.p50[i] &&
        out.p50 !== null)) {
        out.p50 = cells.p50[i];
      }
      const loss = cellLoss(cells, i);
      if (loss !== null && !(out.loss !== null && out.loss >= loss)) {
        out.loss = loss;
      }
    }
    return out;
  });
}

// Where nothing was measured: a hatch, so that it is no colour of the scale.
function hatch(ctx) {
  const tile = document.createElement("canvas");
  tile.width = tile.height = 6;
  const t = tile.getContext("2d");
  t.strokeStyle = tone("faint");
  t.beginPath();
  t.moveTo(-1, 7);
  t.lineTo(7, -1);
  t.moveTo(-1, 1);
  t.lineTo(1, -1);
  t.moveTo(5, 7);
  t.lineTo(7, 5);
  t.stroke();
  return ctx.createPattern(tile, "repeat");
}

// Notches where an event began.
function drawNotches(ctx, width, data, events) {
  ctx.fillStyle = tone("ink");
  for (const event of events) {
    const at = isNumber(event.since) ? event.since : event.time;
    const x = width * (at - data.since) / (data.until - data.since);
    ctx.beginPath();
    ctx.moveTo(x - 4, 0);
    ctx.lineTo(x + 4, 0);
    ctx.lineTo(x, 7);
    ctx.fill();
  }
}

function drawStrip(canvas, width, cells, bounds) {
  const ctx = sizeCanvas(canvas, width, STRIP_HEIGHT);
  const heat = heatColours(), losses = lossColours();
  const none = hatch(ctx);
  const columns = Math.max(1, Math.round(width *
    (window.devicePixelRatio || 1)));
  const step = width / columns;
  stripColumns(cells, columns).forEach((column, x) => {
    ctx.fillStyle = column.p50 !== null ? heat[heatStep(column.p50, bounds)]
      : column.loss !== null ? losses[LOSS_STEPS] : none;
    ctx.fillRect(x * step, 0, step + 0.2, STRIP_HEAT);
    if (lossStep(column.loss)) {
      ctx.fillStyle = losses[lossStep(column.loss)];
      ctx.fillRect(x * step, STRIP_HEAT + 1, Math.max(step, 1),
        Math.min(STRIP_LOSS - 1, lossStep(column.loss)));
    }
  });
  return ctx;
}

// Ticks of a time axis: whole steps of the reader's clock.
function timeTicks(data, width) {
  const steps = [300, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400,
    2 * 86400, 7 * 86400];
  const span = data.until - data.since;
  const step = steps.find((s) => span / s <= width / 85) || 14 * 86400;
  const shift = new Date(data.since * 1000).getTimezoneOffset() * 60;
  const ticks = [];
  for (let t = Math.ceil((data.since - shift) / step) * step + shift;
    t < data.until; t += step) {
    ticks.push(t);
  }
  return { ticks, step };
}

function tickText(time, step) {
  const date = new Date(time * 1000);
  const midnight = date.getHours() === 0 && date.getMinutes() === 0;
  return step >= 86400 || midnight
    ? clock(localZone(), { day: "numeric", month: "short" }).format(date)
    : clock(localZone(), TIME).format(date);
}

function drawStripAxis(canvas, width, data) {
  const ctx = sizeCanvas(canvas, width, 20);
  const { ticks, step } = timeTicks(data, width);
  ctx.font = "12px system-ui, sans-serif";
  ctx.fillStyle = ctx.strokeStyle = tone("dim");
  for (const tick of ticks) {
    const x = width * (tick - data.since) / (data.until - data.since);
    ctx.fillRect(Math.round(x), 0, 1, 4);
    const text = tickText(tick, step);
    const half = ctx.measureText(text).width / 2;
    if (x - half >= 0 && x + half <= width) {
      ctx.fillText(text, x - half, 16);
    }
  }
}

function cellSentence(data, who, cells, i) {
  if (i < 0) {
    return who;
  }
  const when = bothTimes(data.since + i * data.bucket);
  if (!cells.asked[i]) {
    return `${who}, ${when}: no data`;
  }
  const loss = `loss ${percent(cellLoss(cells, i))} (${count(cells.lost[i])}` +
    ` of ${count(cells.asked[i])})`;
  return cells.p50[i] === null ? `${who}, ${when}: no answer, ${loss}`
    : `${who}, ${when}: p50 ${ms(cells.p50[i])}, p5 to p95 ` +
    `${msNumber(cells.p5[i])} to ${ms(cells.p95[i])}, ${loss}`;
}

function stripLegend(bounds) {
  const bound = bounds.map((b) => msNumber(b).replace(/\.0+$/, ""));
  return el("ul", { class: "legend" }, el("li", {}, "p50, ms:"),
    Array.from({ length: HEAT_STEPS }, (_, i) => swatch("heat-" + (i + 1),
      i < bound.length ? "to " + bound[i] : "above " + bound[i - 1])),
    swatch("hatched", "no data"), el("li", {}, "▾ event"),
    el("li", {}, "Loss, %:"), lossSwatches());
}

function stripsTable(data) {
  const rows = [];
  for (const site of sortedSites(data, "worst")) {
    const cells = cellsOf(site, data);
    // An hour a row at least: every bucket of every site is too much to read.
    const per = Math.max(1, Math.round(3600 / data.bucket));
    for (let i = 0; i < data.buckets; i += per) {
      const among = cells.p50.slice(i, i + per).filter(isNumber);
      const sum = (list) => list.slice(i, i + per).reduce((a, b) => a + b, 0);
      const asked = sum(cells.asked);
      rows.push([site.label, timeCell(data.since + i * data.bucket),
        msCell(among.length ? Math.max(...among) : null),
        percentCell(asked ? 100 * sum(cells.lost) / asked : null)]);
    }
  }
  return buildTable("Each site by the hour", ["Site", "From",
    "Highest p50, ms", "Loss, %"], rows);
}

// What a row is of: a site, over its headline series; or a circuit, which has
// no cells of its own, by the first of its headline series.
function stripOfSite(data, site) {
  return { site, label: site.label, title: siteSentence(data, site),
    p50: site.now.p50, cells: cellsOf(site, data), link: (time) =>
      siteLink(site, { time }) };
}

function stripsOfCircuits(data, site) {
  return site.circuits.filter((c) => c.series.length).map((circuit) => {
    const series = circuitSeries(circuit);
    return { site, circuit, label: site.label + ", " + circuit.label,
      title: "To " + series.target + ", " + word(series.probe),
      p50: series.now.p50, cells: cellsOf(series, data), link: (time) =>
        siteLink(site, { circuit, time }) };
  });
}

// A row of the strips: its link, its strip, its median.
function makeStrip(data, of, bounds, cursor) {
  const { site, cells } = of;
  const canvas = el("canvas", { "aria-hidden": "true", width: 1, height: 1 });
  const box = el("div", { class: "strip" });
  box.append(canvas);
  const link = el("a", { class: "name", href: of.link(), tabindex: -1,
    title: of.title }, of.label);
  const value = el("span", { class: "value " +
    bandOf(of.p50, data.limits) }, ms(of.p50));
  const row = el("li", { class: "strip-row" }, link, box, value);
  const bucketOf = (event) => Math.max(0, Math.min(data.buckets - 1,
    Math.floor((event.clientX - box.getBoundingClientRect().left) /
    box.clientWidth * data.buckets)));
  box.addEventListener("pointermove", (event) =>
    cursor.move(of, bucketOf(event)));
  box.addEventListener("pointerleave", () => cursor.hide());
  box.addEventListener("click", (event) => {
    location.hash = of.link(data.since + bucketOf(event) * data.bucket);
  });
  link.addEventListener("focus", () => cursor.move(of, cursor.at));
  link.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step) {
      event.preventDefault();
      event.stopPropagation();
      const far = event.shiftKey ? 12 : 1;
      cursor.move(of, Math.max(0, Math.min(data.buckets - 1,
        cursor.at + far * step)));
      link.href = of.link(data.since + cursor.at * data.bucket);
    }
  });
  const events = data.events.filter((e) => e.site === site.index &&
    (!of.circuit || e.circuit === of.circuit.index));
  drawLazily(box, (width) => drawNotches(drawStrip(canvas, width, cells,
    bounds), width, data, events), 480);
  return { row, link };
}

function startStrips(data, section) {
  const bounds = heatBounds(data.limits);
  const readout = el("p", { class: "readout" }, "Point at a strip, or walk " +
    "along it with the arrow keys, for exact values; click for that moment.");
  const line = el("div", { class: "cursor-line", hidden: true });
  const mark = el("div", { class: "mark-line", hidden: true });
  const axisBox = el("div", { class: "strip" });
  const list = el("ol", { class: "strips" });
  const frame = el("div", { class: "strip-frame" }, list, line, mark);
  // Lines stand over the strips, whose left edge the style sheet decides.
  const place = (node, i) => {
    node.hidden = i < 0;
    if (i < 0) {
      return;
    }
    const frameBox = frame.getBoundingClientRect();
    const strip = axisBox.getBoundingClientRect();
    node.style.left = (strip.left - frameBox.left + strip.width *
      (i + 0.5) / data.buckets).toFixed(1) + "px";
  };
  const cursor = { at: Math.max(0, data.buckets - 1),
    move(of, i) {
      cursor.at = i;
      place(line, i);
      readout.textContent = cellSentence(data, of.label, of.cells, i);
      announce(readout.textContent);
    },
    hide() {
      line.hidden = true;
    } };
  const shown = { order: "worst", rows: "site" };
  const axis = el("canvas", { "aria-hidden": "true" });
  axisBox.append(axis);
  const axisRow = el("li", { class: "strip-row axis", "aria-hidden": "true" },
    el("span", { class: "name" }), axisBox, el("span", { class: "value" }));
  const links = [];
  const arrange = (changes) => {
    Object.assign(shown, changes);
    const sites = sortedSites(data, shown.order);
    const strips = (shown.rows === "site"
      ? sites.map((site) => stripOfSite(data, site))
      : sites.flatMap((site) => stripsOfCircuits(data, site)))
      .map((of) => makeStrip(data, of, bounds, cursor));
    links.splice(0, links.length, ...strips.map((s) => s.link));
    links.forEach((link, i) => link.setAttribute("tabindex", i ? -1 : 0));
    list.querySelectorAll(".strip-row:not(.axis)").forEach(forget);
    list.replaceChildren(...strips.map((s) => s.row), axisRow);
  };
  const setMark = () => place(mark, isNumber(selection.time)
    ? bucketAt(data, selection.time) : -1);
  section.append(el("div", { class: "toolbar" }, el("div", { class: "tools" },
    choice("Order", [["worst", "worst first"], ["name", "name"],
      ["p50", "p50"], ["loss", "loss"], ["change", "change"]], "worst",
    (order) => arrange({ order })),
  choice("A row for each", [["site", "site"], ["circuit", "circuit"]], "site",
    (rows) => arrange({ rows })))), frame, readout, stripLegend(bounds),
  asTable("Each site by the hour", () => stripsTable(data)));
  arrange({});
  rove(list, links);
  drawLazily(axisBox, (width) => {
    drawStripAxis(axis, width, data);
    setMark();
  }, 480);
  onSelection(setMark);
}
