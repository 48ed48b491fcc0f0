"use strict";
/* What the pure parts of the report page's script have to do. Each check gets
 * the functions of agent/report/web (`page`) and throws what is wrong. */

const assert = require("node:assert/strict");
const zlib = require("node:zlib");

const near = (a, b, share) => assert.ok(Math.abs(a - b) <= share * b,
  `${a} is not ${b}`);
const code = (ms) => ms === null ? 0 : 1 + Math.round(128 *
  Math.log2(ms * 1e6));
const deltas = (codes) => codes.map((c, i) => c - (i ? codes[i - 1] : 0));

// Two sites; the second is slower, the first has a finding.
function someData(page) {
  return page.complete({
    since: 1000, until: 1040, bucket: 10, buckets: 4,
    limits: { good: 25, poor: 100 },
    sites: [
      { name: "Lisbon", lat: 38.72, lon: -9.14, kind: "tcp",
        expected_pops: ["LIS"], now: { p50: 5, loss: 1,
          pops: [["LIS", 75], ["LON", 25]] }, before: { p50: 1 },
        cells: { asked: [5, 5, 0, 5], lost: [0, 1, 0, 5],
          p50: deltas([5, 9, null, null].map(code)) } },
      { name: "São Paulo & Söhne=1#", now: { p50: 50, loss: 0 },
        before: { p50: 80 } },
      { now: {} },
    ],
    circuits: [{ site: 0, name: "fibre", kind: "tcp" }, { site: 0, name: "" },
      { site: 1, name: "a b" }],
    series: [{ circuit: 0, target: "exchange", probe: "https", now: {} },
      { circuit: 0, target: "exchange", probe: "tcp", now: { p50: 5 } },
      { circuit: 1, target: "exchange", probe: "tcp", now: { p50: 6 } },
      { circuit: 9, target: "lost", probe: "tcp" }],
    pops: [{ code: "LON", city: "London", lat: 51.51, lon: -0.13 }],
    findings: [{ level: "bad", site: 0, circuit: 1 }],
  });
}

module.exports = {
  "codes are decoded to within 0.3 %": (page) => {
    const values = [0.05, 4.6, null, 812, null, null, 4.6, 60000];
    const out = page.decodeCodes(deltas(values.map(code)), values.length);
    values.forEach((v, i) => v === null ? assert.equal(out[i], null)
      : near(out[i], v, 0.003));
  },
  "missing buckets have no value": (page) => {
    assert.deepEqual(page.decodeCodes([], 2), [null, null]);
    assert.deepEqual(page.decodeCodes(undefined, 1), [null]);
    assert.equal(page.decodeCodes(deltas([code(1), code(2)]), 3).length, 3);
    const cells = page.decodeCells({ asked: [3] }, 2);
    assert.deepEqual(cells.asked, [3, 0]);
    assert.deepEqual(cells.lost, [0, 0]);
  },
  "the block is inflated": async (page) => {
    const text = zlib.deflateSync(Buffer.from(JSON.stringify({ since: 5,
      sites: [{ name: "Zürich" }] }))).toString("base64");
    const data = await page.readData(text.replace(/(.{20})/g, "$1\n"));
    assert.equal(data.sites[0].label, "Zürich");
    assert.deepEqual(data.series, []);
  },
  "what is absent does no harm": (page) => {
    const data = someData(page);
    assert.equal(data.sites[2].label, "(no site)");
    assert.equal(data.circuits[1].label, "default route");
    assert.equal(data.series[3].owner, undefined);
    assert.match(page.siteSentence(data, data.sites[2]), /no round trips/);
  },
  "loss of a bucket is of those asked": (page) => {
    const data = someData(page);
    const cells = page.cellsOf(data.sites[0], data);
    assert.deepEqual([0, 1, 2, 3].map((i) => page.cellLoss(cells, i)),
      [0, 20, null, 100]);
    assert.equal(page.cellsOf(data.sites[0], data), cells);
  },
  "a time is in the bucket that it is in": (page) => {
    const data = someData(page);
    assert.deepEqual([999, 1000, 1009.9, 1010, 1039, 1040].map((t) =>
      page.bucketAt(data, t)), [-1, 0, 0, 1, 3, -1]);
  },
  "numbers have the digits that matter": (page) => {
    assert.deepEqual([0.234, 4.567, 9.996, 45.67, 456.7, 12345.6, null]
      .map(page.ms), ["0.23 ms", "4.57 ms", "10.0 ms", "45.7 ms", "457 ms",
      "12,346 ms", "–"]);
    assert.deepEqual([0, 0.004, 0.093, 12.34, 99.996, 100, undefined]
      .map(page.percent), ["0 %", "<0.01 %", "0.09 %", "12.3 %", "99.99 %",
      "100 %", "–"]);
    assert.deepEqual([5, 60, 1740, 3600, 12000, 86400, 200000]
      .map(page.duration), ["5 s", "1 min", "29 min", "1 h", "3 h 20 min",
      "1 d", "2 d 8 h"]);
  },
  "a change has an arrow if it is one": (page) => {
    assert.deepEqual(page.changeOf(8, 4), { value: 4, text: "▲ +4.00",
      kind: "worse" });
    assert.equal(page.changeOf(4, 8).text, "▼ −4.00");
    assert.equal(page.changeOf(4, 8).kind, "better");
    assert.equal(page.changeOf(4.3, 4).kind, "");
    assert.equal(page.changeOf(104, 100).kind, "");
    assert.equal(page.changeOf(4, undefined).text, "–");
  },
  "times are the reader's, with UTC beside": (page) => {
    const t = Date.UTC(2026, 6, 5, 23, 30) / 1000;
    assert.match(page.bothTimes(t, "Europe/Berlin"),
      /^Mon,? 6 Jul,? (at )?01:30 (GMT\+2|CEST) \(23:30 UTC\)$/);
    assert.match(page.bothTimes(t, "UTC"), /^Sun,? 5 Jul,? (at )?23:30 UTC$/);
    assert.match(page.bothTimes(t, "Africa/Abidjan"), /23:30 UTC$/);
    assert.equal(page.bothTimes(undefined), "–");
  },
  "bands include their bounds": (page) => {
    const limits = { good: 25, poor: 100 };
    assert.deepEqual([1, 25, 25.1, 100, 101, null].map((v) =>
      page.bandOf(v, limits)), ["good", "good", "fair", "fair", "poor",
      "none"]);
    const bounds = page.heatBounds(limits);
    assert.deepEqual(bounds, [6.25, 12.5, 25, 50, 100, 200]);
    assert.deepEqual([1, 25, 25.1, 100, 100.1, 9e9].map((v) =>
      page.heatStep(v, bounds)), [1, 3, 4, 5, 6, 7]);
    assert.deepEqual([null, 0, 0.1, 1, 1.1, 50, 100].map(page.lossStep),
      [0, 0, 1, 1, 2, 4, 5]);
  },
  "what has a finding is worst, then what is slow": (page) => {
    const data = someData(page);
    const order = (by) => page.sortedSites(data, by).map((s) => s.index);
    assert.deepEqual(order("worst"), [0, 1, 2]);
    assert.deepEqual(order("p50"), [1, 0, 2]);
    assert.deepEqual(order("name"), [2, 0, 1]);
    assert.deepEqual(order("loss"), [0, 1, 2]);
    assert.deepEqual(order("change"), [0, 1, 2]);
    data.findings = [];
    assert.deepEqual(order("worst"), [1, 0, 2]);
    assert.equal(page.findingLevel(data, data.sites[0]), "");
  },
  "a site begins with the circuit of its finding": (page) => {
    const data = someData(page);
    assert.equal(page.defaultSeries(data, data.sites[0]).index, 2);
    data.findings = [];
    assert.equal(page.defaultSeries(data, data.sites[0]).index, 1);
    assert.equal(page.defaultSeries(data, data.sites[2]), null);
  },
  "PoPs have shares, and places": (page) => {
    const data = someData(page);
    const site = data.sites[0];
    assert.deepEqual(page.sitePops(site), [["LIS", 75], ["LON", 25]]);
    assert.equal(page.isExpected(site, "LIS"), true);
    assert.equal(page.isExpected(site, "LON"), false);
    assert.equal(page.isExpected({ nearest_pop: "AMS" }, "LON"), false);
    assert.equal(page.isExpected({}, "LON"), true);
    near(page.distanceKm(site, data.pops[0]), 1586, 0.01);
    assert.equal(page.popName(data, "LON"), "LON (London)");
    assert.equal(page.popName(data, ""), "other");
  },
  "a peak does not flatten a chart": (page) => {
    const peaks = Array.from({ length: 300 }, () => 10).concat(5000);
    near(page.axisTop([8], peaks), 11, 0.001);
    near(page.axisTop([100], peaks), 110, 0.001);
    assert.equal(page.axisTop([null], [null]), 1);
  },
  "an address leads back to what it was made of": (page) => {
    const data = someData(page);
    const parse = (link) => page.parseHash(data, link);
    const odd = data.sites[1];
    assert.equal(parse(page.siteLink(odd)).site, odd);
    assert.equal(parse(page.siteLink(odd, { circuit: data.circuits[2] }))
      .circuit, data.circuits[2]);
    const link = page.siteLink(data.sites[0], { series: data.series[2],
      time: 1234.4 });
    assert.equal(parse(link).series, data.series[2]);
    assert.equal(parse(link).time, 1234);
    assert.equal(parse(page.siteLink(data.sites[0], { series:
      data.series[1] })).series, data.series[1]);
    for (const bad of ["", "#", "#top", "#site=nowhere", "#t=x&theme=pink",
      "#site=Lisbon&circuit=none&target=no&probe=no", "#%%%"]) {
      assert.equal(parse(bad).series, null);
      assert.equal(parse(bad).time, null);
      assert.equal(parse(bad).theme, "");
    }
  },
  "trees are sorted among siblings, the unknown last": (page) => {
    const row = (name, level, v) => ({ name, dataset: { level },
      cells: [{ dataset: v === null ? {} : { v },
        classList: { contains: () => true }, textContent: "" }] });
    const rows = [row("a", 0, 1), row("a1", 1, 5), row("a11", 2, 1),
      row("a2", 1, null), row("a3", 1, 7), row("b", 0, 2)];
    const order = (d) => page.sortedRows(rows, 0, d).map((r) => r.name)
      .join(" ");
    assert.equal(order(-1), "b a a3 a1 a11 a2");
    assert.equal(order(1), "a a1 a11 a3 a2 b");
  },
  "numbers in names are numbers": (page) => {
    assert.ok(page.compareValues("Branch 9", "Branch 10", 1) < 0);
    assert.ok(page.compareValues(9, 10, -1) > 0);
  },
  "a pixel shows the worst of its buckets": (page) => {
    const cells = { asked: [5, 5, 5, 0, 0, 0], lost: [0, 1, 5, 0, 0, 0],
      p50: [3, 9, null, null, null, null] };
    assert.deepEqual(page.stripColumns(cells, 2), [{ p50: 9, loss: 100 },
      { p50: null, loss: null }]);
    assert.equal(page.stripColumns(cells, 12).length, 12);
    assert.deepEqual(page.stripColumns(cells, 12)[3], { p50: 9, loss: 20 });
  },
  "smoke lies between the percentiles": (page) => {
    const cells = { p5: [1], p25: [2], p50: [3], p75: [5], p95: [9] };
    const shades = page.smokeShades(cells, 0);
    assert.deepEqual(shades[0], [1, 9]);
    shades.slice(1).forEach(([low, high], i) => {
      assert.ok(low > shades[i][0] && high < shades[i][1]);
      assert.ok(low < 3 && high > 3);
    });
    assert.equal(page.smokeValue(cells, 0, 0.25), 2);
    assert.equal(page.smokeValue(cells, 0, 0.85), 7);
  },
  "labels do not lie on each other": (page) => {
    const boxes = [];
    const spots = Array.from({ length: 9 }, () =>
      page.placeLabel(boxes, 100, 100, 7, "Lisbon"));
    assert.ok(spots.filter(Boolean).length >= 4);
    assert.ok(spots.filter(Boolean).length < 9);
  },
};
