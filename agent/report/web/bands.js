/* Percentile bands over time, several circuits in one chart, and lines small
 * enough for a table. */

function bandLegend() {
  return el("ul", { class: "legend" }, swatch("median", "median"),
    swatch("band-inner", "p25 to p75"), swatch("band-outer", "p5 to p95"),
    el("li", {}, "Loss at the foot, %:"), lossSwatches());
}

// Loss at the foot of a plot: a tick a bucket, by colour and height.
function paintLoss(data, cells) {
  return (u, ctx) => {
    const ratio = pixelRatio();
    const colours = lossColours();
    const { left, top, width, height } = u.bbox;
    ctx.save();
    ctx.beginPath();
    ctx.rect(left, top, width, height);
    ctx.clip();
    for (let i = 0; i < data.buckets; i++) {
      const step = lossStep(cellLoss(cells, i));
      if (step) {
        const t = data.since + i * data.bucket;
        const x = u.valToPos(t, "x", true);
        const w = Math.max(ratio, u.valToPos(t + data.bucket, "x", true) - x);
        const h = (3 + 2 * step) * ratio;
        ctx.fillStyle = colours[step];
        ctx.fillRect(x, top + height - h, w, h);
      }
    }
    ctx.restore();
  };
}

function cellsTable(data, title, cells) {
  const rows = [];
  for (let i = 0; i < data.buckets; i++) {
    rows.push([timeCell(data.since + i * data.bucket),
      ...PERCENTILES.map((p) => msCell(cells[p][i])),
      { v: cells.asked[i], text: count(cells.asked[i]) },
      { v: cells.lost[i], text: count(cells.lost[i]) },
      percentCell(cellLoss(cells, i))]);
  }
  return buildTable(title, ["From", ...PERCENTILES.map((p) => p + ", ms"),
    "Asked", "Lost", "Loss, %"], rows);
}

// Percentile bands of a series (or of a site, over its headline series).
function bandChart(data, title, owner, marks) {
  const cells = cellsOf(owner, data);
  const quiet = { points: { show: false }, spanGaps: false };
  const edge = Object.assign({ width: 0, stroke: "transparent" }, quiet);
  return timeChart(data, {
    title, marks,
    data: [bucketMiddles(data), cells.p95, cells.p75, cells.p50, cells.p25,
      cells.p5],
    series: [edge, edge, Object.assign({ width: 1.75,
      stroke: () => tone("median") }, quiet), edge, edge],
    bands: [{ series: [1, 5], fill: () => tone("band-outer") },
      { series: [2, 4], fill: () => tone("band-inner") }],
    top: (from, to) => axisTop(cells.p50.slice(from, to),
      cells.p95.slice(from, to)),
    paint: paintLoss(data, cells),
    say: (i) => cellSentence(data, owner.label || owner.key, cells, i),
    legend: bandLegend(),
    table: () => cellsTable(data, title, cells),
  });
}

/* Circuits in one chart: told apart by colour and by dashes. */

const LINE_DASHES = [[], [7, 4], [2, 3], [9, 3, 2, 3], [4, 2]];

function lineTone(i) {
  return tone("line-" + (i % 5 + 1));
}

function lineLegend(names) {
  const list = el("ul", { class: "legend" });
  names.forEach((name, i) => {
    const line = svg("path", { d: "M0,0H28", class: "line-" + (i % 5 + 1),
      "stroke-width": 2.5, "stroke-dasharray":
      LINE_DASHES[i % LINE_DASHES.length].join(" ") || null });
    list.append(el("li", {}, svg("svg", { width: 28, height: 16,
      viewBox: "0 -8 28 16", "aria-hidden": "true" }, line), name));
  });
  return list;
}

function compareTable(data, title, several) {
  const rows = [];
  for (let i = 0; i < data.buckets; i++) {
    rows.push([timeCell(data.since + i * data.bucket),
      ...several.map((s) => msCell(cellsOf(s, data).p50[i]))]);
  }
  return buildTable(title, ["From", ...several.map((s) =>
    s.owner.label + ", p50, ms")], rows);
}

// The medians of the same target over each circuit.
function compareChart(data, title, several, marks) {
  const medians = several.map((s) => cellsOf(s, data).p50);
  return timeChart(data, {
    title, marks, data: [bucketMiddles(data), ...medians],
    series: several.map((_, i) => ({ width: 1.75, spanGaps: false,
      points: { show: false }, stroke: () => lineTone(i),
      dash: LINE_DASHES[i % LINE_DASHES.length] })),
    top: (from, to) => {
      const all = medians.flatMap((m) => m.slice(from, to));
      return axisTop(all, all);
    },
    say: (i) => bothTimes(data.since + i * data.bucket) + ": " +
      several.map((s, k) => s.owner.label + " " + ms(medians[k][i]))
        .join(", "),
    legend: lineLegend(several.map((s) => s.owner.label +
      (s.owner.provider ? ", " + s.owner.provider : ""))),
    table: () => compareTable(data, title, several),
  });
}

/* A line as high as a row of text. */

const SPARK = { width: 96, height: 20 };

function sparkPath(values, top) {
  const parts = [];
  const n = values.length, columns = Math.min(n, SPARK.width);
  let pen = "M";
  for (let x = 0; x < columns; x++) {
    const from = Math.floor(x * n / columns);
    const to = Math.floor((x + 1) * n / columns);
    const some = values.slice(from, Math.max(to, from + 1)).filter(isNumber);
    if (!some.length) {
      pen = "M";
      continue;
    }
    const y = Math.max(...some) / top;
    parts.push(pen + (x * SPARK.width / columns).toFixed(1) + "," +
      (SPARK.height - 1 - Math.min(1, y) * (SPARK.height - 2)).toFixed(1));
    pen = "L";
  }
  return parts.join("");
}

function sparkLine(data, series, top) {
  return svg("svg", { class: "spark", width: SPARK.width,
    height: SPARK.height, "aria-hidden": "true",
    viewBox: `0 0 ${SPARK.width} ${SPARK.height}` },
  svg("path", { d: sparkPath(cellsOf(series, data).p50, top) }));
}
