/* The data block into what the rest of the script reads. Pure, but for
 * readData(). What data.md says may be absent is absent here, too; arrays that
 * are read everywhere are there, maybe empty. */

const PERCENTILES = ["p5", "p25", "p50", "p75", "p95"];
const STEPS = 128; // codes an octave

// A code is 1 + round(128 * log2(ns)); 0 is "no round trip".
function codeToMs(code) {
  return code > 0 ? Math.pow(2, (code - 1) / STEPS) / 1e6 : null;
}

// Of all codes up to an hour and a half, as there are many cells and few codes.
const MS_OF_CODES = Array.from({ length: 5500 }, (_, code) => codeToMs(code));

// Differences of codes into milliseconds; null where there is no round trip.
function decodeCodes(deltas, n) {
  const out = new Array(n).fill(null);
  let code = 0;
  for (let i = 0; i < n && deltas && i < deltas.length; i++) {
    code += deltas[i];
    out[i] = code in MS_OF_CODES ? MS_OF_CODES[code] : codeToMs(code);
  }
  return out;
}

function decodeCounts(counts, n) {
  const out = new Array(n).fill(0);
  for (let i = 0; i < n && counts && i < counts.length; i++) {
    out[i] = counts[i] > 0 ? counts[i] : 0;
  }
  return out;
}

function decodeCells(cells, n) {
  const out = { asked: decodeCounts(cells && cells.asked, n),
    lost: decodeCounts(cells && cells.lost, n) };
  for (const p of PERCENTILES) {
    out[p] = decodeCodes(cells && cells[p], n);
  }
  return out;
}

// Cells of a site or a series, decoded when somebody first looks at them.
const decodedCells = new WeakMap();
function cellsOf(owner, data) {
  let cells = decodedCells.get(owner);
  if (!cells) {
    cells = decodeCells(owner.cells, data.buckets);
    decodedCells.set(owner, cells);
  }
  return cells;
}

// Lost share of a bucket in percent; null where nothing was asked.
function cellLoss(cells, i) {
  return cells.asked[i] > 0 ? 100 * cells.lost[i] / cells.asked[i] : null;
}

// Begin of each bucket, for the x axis.
function bucketTimes(data) {
  return Array.from({ length: data.buckets },
    (_, i) => data.since + i * data.bucket);
}

function bucketAt(data, time) {
  const i = Math.floor((time - data.since) / data.bucket);
  return i >= 0 && i < data.buckets ? i : -1;
}

// Adds what lookups need: lists that may be absent, and places in them.
function complete(data) {
  for (const list of ["sites", "circuits", "series", "pops", "events", "pairs",
    "findings"]) {
    data[list] = Array.isArray(data[list]) ? data[list] : [];
  }
  data.limits = data.limits || { good: 25, poor: 100 };
  data.buckets = data.buckets > 0 ? data.buckets : 0;
  for (const list of ["sites", "circuits", "series"]) {
    data[list].forEach((item, i) => {
      item.index = i;
      item.now = item.now || {};
    });
  }
  data.sites.forEach((site) => {
    site.label = site.name || "(no site)";
    site.circuits = data.circuits.filter((c) => c.site === site.index);
  });
  data.circuits.forEach((circuit) => {
    circuit.label = circuit.name || "default route";
    circuit.home = data.sites[circuit.site];
    circuit.series = [];
    circuit.runs = circuit.runs || [];
  });
  data.series.forEach((series) => {
    series.key = series.target + " " + series.probe;
    series.owner = data.circuits[series.circuit];
    if (series.owner) {
      series.owner.series.push(series);
    }
  });
  data.popOf = new Map(data.pops.map((pop) => [pop.code, pop]));
  return data;
}

function base64Bytes(text) {
  const raw = atob(text.replace(/\s+/g, ""));
  const bytes = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) {
    bytes[i] = raw.charCodeAt(i);
  }
  return bytes;
}

// The text of the block into the data; a promise.
async function readData(text) {
  const stream = new Blob([base64Bytes(text)]).stream()
    .pipeThrough(new DecompressionStream("deflate"));
  return complete(await new Response(stream).json());
}
