/* What all charts of time share: axes in the reader's time, one cursor and one
 * zoom, events as bars, the marked time, a readout of values, a table behind.
 * A chart is described by
 *   { title, data: [times, values...], series: [uPlot's], bands, height, marks,
 *     top(from, to), paint(u, ctx), say(index), table(), legend }
 */

const CHART_SYNC = "time";

function axisStyle() {
  return { stroke: tone("dim"), font: "12px system-ui, sans-serif",
    grid: { stroke: tone("grid"), width: 1 },
    ticks: { stroke: tone("grid"), width: 1, size: 4 } };
}

function pixelRatio() {
  return uPlot.pxRatio || window.devicePixelRatio || 1;
}

// An upright line at a time, in canvas pixels; its x, or -1 outside.
function upright(u, ctx, time, colour, dash, width) {
  const x = Math.round(u.valToPos(time, "x", true));
  const { left, top, width: w, height } = u.bbox;
  if (x < left || x > left + w) {
    return -1;
  }
  const ratio = pixelRatio();
  ctx.save();
  ctx.strokeStyle = colour;
  ctx.lineWidth = width * ratio;
  ctx.setLineDash(dash.map((d) => d * ratio));
  ctx.beginPath();
  ctx.moveTo(x, top);
  ctx.lineTo(x, top + height);
  ctx.stroke();
  ctx.restore();
  return x;
}

// Events as bars with labels above the plot, as long as there is room.
function paintMarks(u, ctx, marks) {
  const ratio = pixelRatio();
  let free = -Infinity, last = -Infinity;
  ctx.save();
  ctx.font = `${11 * ratio}px system-ui, sans-serif`;
  ctx.textBaseline = "bottom";
  for (const mark of marks) {
    // Of many at the same time one stands for all; the table has them.
    if (u.valToPos(mark.time, "x", true) < last + 4 * ratio) {
      continue;
    }
    const colour = tone(mark.level === "bad" ? "bad" : mark.level === "warning"
      ? "warn" : "dim");
    const x = upright(u, ctx, mark.time, colour, [3, 3], 1.5);
    if (x < 0) {
      continue;
    }
    last = x;
    const text = word(mark.event);
    const width = ctx.measureText(text).width;
    const start = Math.min(x, u.bbox.left + u.bbox.width - width);
    ctx.fillStyle = colour;
    if (start > free) {
      ctx.fillText(text, start, u.bbox.top - 2 * ratio);
      free = start + width + 6 * ratio;
    } else {
      ctx.fillRect(x - 2 * ratio, u.bbox.top - 5 * ratio, 4 * ratio,
        4 * ratio);
    }
  }
  ctx.restore();
}

// The axis fits what is in sight; uPlot says where that begins and ends.
function visibleTop(data, spec, u) {
  const { min, max } = u.series[0];
  const from = Math.max(0, bucketAt(data, min));
  const to = isNumber(max) ? bucketAt(data, max) + 1 : data.buckets;
  return spec.top(from, to);
}

function chartOptions(data, spec, width, show) {
  const height = spec.height || 220;
  const x = Object.assign(axisStyle(), { space: 70, size: 24,
    values: (u, splits, axis, space, step) =>
      splits.map((t) => tickText(t, step)) });
  const y = Object.assign(axisStyle(), { size: 48, label: spec.unit || "ms",
    labelSize: 16, labelFont: "12px system-ui, sans-serif", labelGap: 0,
    values: (u, splits) => splits.map((v) => number(v,
      splits.some((s) => s % 1) ? 1 : 0)) });
  return {
    width, height, pxAlign: 1, padding: [18, 12, 0, 0],
    legend: { show: false },
    cursor: { sync: { key: CHART_SYNC }, y: false,
      points: { show: false },
      drag: { x: true, y: false, dist: 8 } },
    scales: { x: { time: true, range: (u, from, to) =>
      [Math.max(from, data.since), Math.min(to, data.until)] },
    y: { range: (u) => [0, visibleTop(data, spec, u)] } },
    axes: [x, y], series: [{}].concat(spec.series), bands: spec.bands,
    hooks: {
      draw: [(u) => {
        if (spec.paint) {
          spec.paint(u, u.ctx);
        }
        paintMarks(u, u.ctx, spec.marks || []);
        if (isNumber(selection.time)) {
          upright(u, u.ctx, selection.time, tone("mark"), [], 2);
        }
      }],
      setCursor: [(u) => show(u)],
    },
  };
}

// Arrow keys move the cursor, + and - zoom around it, Escape shows all.
function chartKeys(data, spec, holder, event) {
  const u = holder.plot;
  if (!u || event.ctrlKey || event.metaKey || event.altKey) {
    return;
  }
  const times = spec.data[0], last = times.length - 1;
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  const { min, max } = u.scales.x;
  if (step) {
    holder.at = Math.max(0, Math.min(last, holder.at +
      step * (event.shiftKey ? 12 : 1)));
    u.setCursor({ left: u.valToPos(times[holder.at], "x"), top: 0 });
  } else if (event.key === "+" || event.key === "-") {
    const half = (max - min) / (event.key === "+" ? 4 : 1);
    u.setScale("x", { min: times[holder.at] - half,
      max: times[holder.at] + half });
  } else if (event.key === "Escape") {
    u.setScale("x", { min: data.since, max: data.until });
  } else if (event.key === "Enter") {
    markTime(data, data.since + holder.at * data.bucket);
  } else {
    return;
  }
  event.preventDefault();
}

// The bucket under a cursor: the one that has begun, not the nearest begin.
function bucketUnder(data, u) {
  return u.cursor.left >= 0
    ? bucketAt(data, u.posToVal(u.cursor.left, "x")) : -1;
}

// A chart of the overview's window as a <figure>.
function timeChart(data, spec) {
  const readout = el("p", { class: "readout" });
  const frame = el("div", { class: "chart", tabindex: 0, role: "img",
    "aria-label": spec.title + ". Arrow keys read its values." });
  const holder = { plot: null, at: Math.max(0, data.buckets - 1) };
  const show = (u) => {
    const i = bucketUnder(data, u);
    if (i >= 0) {
      holder.at = i;
      readout.textContent = spec.say(i);
      if (document.activeElement === frame) {
        announce(readout.textContent);
      }
    }
  };
  const draw = (width) => {
    const zoom = holder.plot && { min: holder.plot.scales.x.min,
      max: holder.plot.scales.x.max };
    if (holder.plot) {
      holder.plot.destroy();
    }
    holder.plot = new uPlot(chartOptions(data, spec, width, show), spec.data,
      frame);
    if (zoom && isNumber(zoom.min)) {
      holder.plot.setScale("x", zoom);
    }
  };
  frame.addEventListener("keydown", (event) =>
    chartKeys(data, spec, holder, event));
  frame.addEventListener("click", () => {
    // A drag is a zoom, and no click.
    const u = holder.plot;
    if (u && u.select.width === 0 && bucketUnder(data, u) >= 0) {
      markTime(data, data.since + bucketUnder(data, u) * data.bucket);
    }
  });
  drawLazily(frame, draw);
  return el("figure", {}, el("figcaption", {}, spec.title), frame, readout,
    spec.legend || [], asTable(spec.title, spec.table));
}

// The curve begins and ends in the middle of buckets.
function bucketMiddles(data) {
  return bucketTimes(data).map((t) => t + data.bucket / 2);
}
