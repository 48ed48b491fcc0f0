"use strict";
/* Runs the checks on the pure parts of the report page's script, and on copies
 * of them with a mistake each, which have to be noticed. */

const fs = require("node:fs");
const path = require("node:path");
const checks = require("./checks.js");
const colours = require("./colours.js");

const WEB = path.join(__dirname, "../../agent/report/web");
const PURE = ["decode", "format", "judge", "state", "tables", "map", "strips",
  "smoke"];
const NAMES = ["decodeCodes", "decodeCells", "cellsOf", "cellLoss", "bucketAt",
  "complete", "readData", "ms", "percent", "duration", "changeOf", "bothTimes",
  "popName", "bandOf", "heatBounds", "heatStep", "lossStep", "sortedSites",
  "findingLevel", "defaultSeries", "sitePops", "isExpected", "distanceKm",
  "siteSentence", "axisTop", "siteLink", "parseHash", "sortedRows",
  "compareValues", "stripColumns", "smokeShades", "smokeValue", "placeLabel"];

const MISTAKES = [
  ["code += deltas[i];", "code = deltas[i];"],
  ["(code - 1) / STEPS", "code / STEPS / 2"],
  ['"deflate"', '"deflate-raw"'],
  ["cells.asked[i] > 0 ? 100", "cells.asked[i] >= 0 ? 100"],
  ["i < data.buckets ? i : -1", "i <= data.buckets ? i : -1"],
  ["Math.min(x, 100 - least)", "x"],
  ["m % 60 ?", "false ?"],
  ['kind: "worse" }', 'kind: "better" }'],
  ['clock("UTC", TIME).format(date) + " UTC)"',
    'clock(zone, TIME).format(date) + " UTC)"'],
  ["value <= limits.good", "value < limits.good"],
  ["value <= bound)", "value < bound)"],
  ["share <= bound", "share < bound"],
  ["findingRank(data, a) - findingRank(data, b) ||", ""],
  ["orNone(b.now.loss) - orNone(a.now.loss)", "0"],
  ["finding ? (b.index", "false ? (b.index"],
  ["100 * pop[1] / sum", "pop[1] / sum"],
  ["site.nearest_pop === code", "true"],
  ["2 * 6371", "6371"],
  ["Math.max(usual, most)", "Math.max(...sorted)"],
  ['words.set("site", site.name || "");', 'words.set("site", site.label);' +
    'return "#site=" + site.name;'],
  ["s.probe === words.get(\"probe\")", "true"],
  ["(a === null) - (b === null)", "(b === null) - (a === null)"],
  [">= node.level", "> node.level"],
  ["{ numeric: true }", "{}"],
  ["out.p50 >= cells.p50[i]", "out.p50 < cells.p50[i]"],
  ["Math.max(0, q - q0) / (q1 - q0)", "0"],
  ["boxes.push(box);", ""],
];

function load(source) {
  return new Function('"use strict";\n' + source + "\nreturn { " +
    NAMES.join(", ") + " };")();
}

// Names of the checks that fail.
async function failures(source, first, tell) {
  const failed = [];
  for (const [name, check] of Object.entries(checks)) {
    try {
      await check(load(source));
    } catch (error) {
      failed.push(name);
      tell(`not ok - ${name}: ${error.message}`);
      if (first) {
        break;
      }
    }
  }
  return failed;
}

async function main() {
  const read = (name) => fs.readFileSync(path.join(WEB, name), "utf8");
  const source = PURE.map((name) => read(name + ".js")).join("\n");
  let wrong = (await failures(source, false, console.log)).length;
  for (const [from, to] of MISTAKES) {
    if (!source.includes(from)) {
      console.log(`not ok - nothing reads ${from}`);
      wrong++;
    } else if (!(await failures(source.replace(from, to), true,
      () => {})).length) {
      console.log(`not ok - nobody notices ${to || "(nothing)"} for ${from}`);
      wrong++;
    }
  }
  const files = fs.readdirSync(WEB);
  const all = (end) => files.filter((f) => f.endsWith(end)).map(read)
    .join("\n");
  const bad = colours(all(".css"), all(".js"));
  bad.forEach((text) => console.log("not ok - " + text));
  wrong += bad.length;
  if (!colours(all(".css").replace(/--dim: #\w+/, "--dim: #999999"), "")
    .length) {
    console.log("not ok - a grey that is too pale is not noticed");
    wrong++;
  }
  console.log(`${Object.keys(checks).length} checks, ${MISTAKES.length + 1} ` +
    `mistakes, ${wrong} wrong`);
  process.exitCode = wrong ? 1 : 0;
}

main();
