/* Bands, order, and what is said of a site. Pure.
 *
 * Latency has seven steps on a scale that doubles: three that are good, two
 * fair, two poor; the bounds are made from the limits of the data. Loss has
 * five, as SmokePing's. Their colours are in base.css, --heat-1 to 7 and
 * --loss-1 to 5. */

const HEAT_STEPS = 7;
const LOSS_BOUNDS = [1, 5, 10, 50]; // percent
const LOSS_STEPS = LOSS_BOUNDS.length + 1;

function heatBounds(limits) {
  const good = limits.good, poor = limits.poor;
  return [good / 4, good / 2, good, Math.sqrt(good * poor), poor, 2 * poor];
}

// 1 to HEAT_STEPS.
function heatStep(value, bounds) {
  const i = bounds.findIndex((bound) => value <= bound);
  return i < 0 ? HEAT_STEPS : i + 1;
}

function bandOf(value, limits) {
  return !isNumber(value) ? "none" : value <= limits.good ? "good"
    : value <= limits.poor ? "fair" : "poor";
}

// 0: none lost; else 1 to LOSS_STEPS.
function lossStep(share) {
  if (!(share > 0)) {
    return 0;
  }
  const i = LOSS_BOUNDS.findIndex((bound) => share <= bound);
  return i < 0 ? LOSS_STEPS : i + 1;
}

// Where a site stands among the findings; after all of them if in none.
function findingRank(data, site) {
  const i = data.findings.findIndex((f) => f.site === site.index);
  return i < 0 ? data.findings.length : i;
}

// "bad", "warning", or "" where nothing stands out.
function findingLevel(data, site) {
  const i = findingRank(data, site);
  return i < data.findings.length ? data.findings[i].level : "";
}

function orNone(x) {
  return isNumber(x) ? x : -Infinity;
}

function p50Change(site) {
  return changeOf(site.now.p50, site.before && site.before.p50).value;
}

function byName(a, b) {
  return a.label.localeCompare(b.label, "en");
}

const SITE_ORDERS = {
  worst: (data) => (a, b) => findingRank(data, a) - findingRank(data, b) ||
    orNone(b.now.p50) - orNone(a.now.p50),
  name: () => byName,
  p50: () => (a, b) => orNone(b.now.p50) - orNone(a.now.p50),
  loss: () => (a, b) => orNone(b.now.loss) - orNone(a.now.loss),
  change: () => (a, b) => orNone(p50Change(b)) - orNone(p50Change(a)),
};

function sortedSites(data, order) {
  const compare = (SITE_ORDERS[order] || SITE_ORDERS.worst)(data);
  return data.sites.slice().sort((a, b) => compare(a, b) || byName(a, b));
}

// Shares of the PoPs that answered, [code, percent], most first.
function popShares(figures) {
  const pops = figures.pops || [];
  const sum = pops.reduce((n, pop) => n + pop[1], 0);
  return sum > 0 ? pops.map((pop) => [pop[0], 100 * pop[1] / sum]) : [];
}

// The PoPs of a site: of its headline, or else of all that it measures.
function sitePops(site) {
  const own = popShares(site.now);
  if (own.length) {
    return own;
  }
  const sums = new Map();
  for (const circuit of site.circuits) {
    for (const figures of circuit.now.pops ? [circuit.now]
      : circuit.series.map((s) => s.now)) {
      for (const [code, n] of figures.pops || []) {
        sums.set(code, (sums.get(code) || 0) + n);
      }
    }
  }
  const pops = [...sums].sort((a, b) => b[1] - a[1]);
  return popShares({ pops });
}

// Whether `code` is where that site should land, as far as anybody knows.
function isExpected(site, code) {
  if (site.expected_pops && site.expected_pops.length) {
    return site.expected_pops.includes(code);
  }
  return !site.nearest_pop || site.nearest_pop === code;
}

// Kilometres along the globe.
function distanceKm(a, b) {
  const rad = Math.PI / 180;
  const h = Math.sin((b.lat - a.lat) * rad / 2) ** 2 + Math.cos(a.lat * rad) *
    Math.cos(b.lat * rad) * Math.sin((b.lon - a.lon) * rad / 2) ** 2;
  return 2 * 6371 * Math.asin(Math.min(1, Math.sqrt(h)));
}

function hasPlace(x) {
  return Boolean(x) && isNumber(x.lat) && isNumber(x.lon);
}

// One sentence of exact figures, for hovers and for screen readers.
function siteSentence(data, site) {
  const parts = [site.label];
  if (isNumber(site.now.p50)) {
    parts.push("p50 " + ms(site.now.p50) + " (" +
      bandOf(site.now.p50, data.limits) + "), p90 " + ms(site.now.p90));
  } else {
    parts.push("no round trips");
  }
  parts.push("loss " + percent(site.now.loss));
  const pops = sitePops(site).slice(0, 3).map(([code, share]) =>
    popName(data, code) + " " + percent(share));
  if (pops.length) {
    parts.push("through " + pops.join(", "));
  }
  return parts.join("; ");
}

// What stands for a circuit where it has no cells of its own.
function circuitSeries(circuit) {
  return circuit.series.find((s) => s.probe === circuit.kind) ||
    circuit.series.find((s) => isNumber(s.now.p50)) || circuit.series[0];
}

// The series of a site that is shown unless somebody picks: of the first
// finding's circuit, the headline kind.
function defaultSeries(data, site) {
  const finding = data.findings.find((f) => f.site === site.index &&
    isNumber(f.circuit));
  const circuits = site.circuits.slice().sort((a, b) =>
    finding ? (b.index === finding.circuit) - (a.index === finding.circuit)
      : 0);
  return circuits.map(circuitSeries).find(Boolean) || null;
}

// The highest value of a chart's axis: what is beyond the 99th percentile of
// the peaks is cut, so that one of them does not flatten all else.
function axisTop(middle, peaks) {
  const sorted = peaks.filter(isNumber).sort((a, b) => a - b);
  if (!sorted.length) {
    return 1;
  }
  const usual = sorted[Math.floor(0.99 * (sorted.length - 1))];
  const most = middle.reduce((m, x) => (isNumber(x) && x > m ? x : m), 0);
  return 1.1 * Math.max(usual, most);
}
