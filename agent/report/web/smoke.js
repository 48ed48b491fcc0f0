/* Smoke, as SmokePing draws it: for every bucket the spread of its round trips,
 * darker where more of them lie, and the median as a tick coloured by loss. */

const SMOKE_SHADES = 8;

// The value below which a share `q` of the bucket's round trips lies, between
// the percentiles that are known.
function smokeValue(cells, i, q) {
  const known = [[0.05, cells.p5[i]], [0.25, cells.p25[i]],
    [0.5, cells.p50[i]], [0.75, cells.p75[i]], [0.95, cells.p95[i]]];
  for (let k = 1; k < known.length; k++) {
    const [q0, v0] = known[k - 1], [q1, v1] = known[k];
    if (q <= q1) {
      return v0 + (v1 - v0) * Math.max(0, q - q0) / (q1 - q0);
    }
  }
  return cells.p95[i];
}

// Pairs of bounds from the outermost to nearly the median, [low, high].
function smokeShades(cells, i) {
  return Array.from({ length: SMOKE_SHADES }, (_, k) => {
    const q = 0.05 + 0.45 * k / SMOKE_SHADES;
    return [smokeValue(cells, i, q), smokeValue(cells, i, 1 - q)];
  });
}

function paintBucket(u, ctx, box, cells, i) {
  const { x, w, ratio, inks } = box;
  ctx.fillStyle = inks.smoke;
  for (const [low, high] of smokeShades(cells, i)) {
    const y0 = u.valToPos(high, "y", true), y1 = u.valToPos(low, "y", true);
    ctx.fillRect(x, y0, w, Math.max(y1 - y0, ratio / 2));
  }
  const step = lossStep(cellLoss(cells, i));
  ctx.globalAlpha = 1;
  ctx.fillStyle = step ? inks.losses[step] : inks.median;
  const y = u.valToPos(cells.p50[i], "y", true);
  const thick = (step ? 3 : 2) * ratio;
  ctx.fillRect(x, y - thick / 2, w, thick);
  ctx.globalAlpha = 1.6 / SMOKE_SHADES;
}

function paintSmoke(data, cells) {
  return (u, ctx) => {
    const { left, top, width, height } = u.bbox;
    const ratio = pixelRatio();
    const inks = { smoke: tone("smoke"), median: tone("median"),
      losses: lossColours() };
    ctx.save();
    ctx.beginPath();
    ctx.rect(left, top, width, height);
    ctx.clip();
    ctx.globalAlpha = 1.6 / SMOKE_SHADES;
    for (let i = 0; i < data.buckets; i++) {
      const t = data.since + i * data.bucket;
      if (t + data.bucket < u.scales.x.min || t > u.scales.x.max) {
        continue;
      }
      const x = u.valToPos(t, "x", true);
      const w = Math.max(1, u.valToPos(t + data.bucket, "x", true) - x);
      if (cells.p50[i] !== null) {
        paintBucket(u, ctx, { x, w, ratio, inks }, cells, i);
      } else if (cells.asked[i] > 0) {
        // Nobody answered: a column, as there is no median to colour.
        ctx.globalAlpha = 0.5;
        ctx.fillStyle = inks.losses[LOSS_STEPS];
        ctx.fillRect(x, top, w, height);
        ctx.globalAlpha = 1.6 / SMOKE_SHADES;
      }
    }
    ctx.restore();
  };
}

function smokeLegend() {
  return el("ul", { class: "legend" }, el("li", {}, "Median, by loss, %:"),
    swatch("median", "0"), lossSwatches());
}

function smokeChart(data, title, series, marks) {
  const cells = cellsOf(series, data);
  return timeChart(data, {
    title, marks, data: [bucketMiddles(data), cells.p50],
    series: [{ width: 0, stroke: "transparent", points: { show: false } }],
    top: (from, to) => axisTop(cells.p50.slice(from, to),
      cells.p95.slice(from, to)), height: 240,
    paint: paintSmoke(data, cells), legend: smokeLegend(),
    say: (i) => cellSentence(data, series.key, cells, i),
    table: () => cellsTable(data, title, cells),
  });
}
