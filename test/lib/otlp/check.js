/* Are these files OTLP/HTTP JSON, strictly?  node check.js logs|metrics FILE...
 *
 * A document passes if JSON -> message -> protobuf -> message -> JSON gives the
 * same document, by the classes that are generated from OpenTelemetry's own
 * definitions: a key that is no field, a number where a text is due, an enum's
 * name, two members of a oneof all show as a difference. */
"use strict";
const fs = require("fs");
const path = require("path");

const classes = path.join(process.env.OTLP_MODULES || __dirname,
  "node_modules/@opentelemetry/otlp-transformer/build/src/generated/root.js");
const collector = require(classes).opentelemetry.proto.collector;
const requests = {
  logs: collector.logs.v1.ExportLogsServiceRequest,
  metrics: collector.metrics.v1.ExportMetricsServiceRequest,
};

function isTree(value) {
  return value !== null && typeof value === "object";
}

/* Where two documents differ, in words. */
function differences(sent, got, at, found) {
  if (!isTree(sent) || !isTree(got)) {
    if (sent !== got)
      found.push(`${at}: ${JSON.stringify(sent)} is read as ` +
        JSON.stringify(got));
    return found;
  }
  for (const key of new Set([...Object.keys(sent), ...Object.keys(got)])) {
    const here = `${at}.${key}`;

    if (!(key in got))
      found.push(`${here}: is no field`);
    else if (!(key in sent))
      found.push(`${here}: was not sent`);
    else
      differences(sent[key], got[key], here, found);
  }
  return found;
}

function check(type, text) {
  const sent = JSON.parse(text);
  const bytes = type.encode(type.fromObject(sent)).finish();
  const got = type.toObject(type.decode(bytes), {
    longs: String, enums: Number, bytes: String, defaults: false,
  });

  return differences(sent, got, "$", []);
}

let failed = 0;
const [, , kind, ...files] = process.argv;
for (const file of files) {
  let found;

  try {
    found = check(requests[kind], fs.readFileSync(file, "utf8"));
  } catch (e) {
    found = [String(e)];
  }
  failed += found.length > 0;
  for (const line of found.slice(0, 5))
    console.log(`${file}: ${line}`);
}
process.exit(files.length > 0 && failed === 0 ? 0 : 1);
