/* The view of a site: what stands out, its circuits, one series in detail,
 * circuits side by side, all targets, phases, PoPs, events. */

// Of all circuits: a site's own hides the worse one.
function scoreText(site) {
  const scores = site.circuits.map((c) => c.score).concat(site.score)
    .filter(isNumber).map((score) => Math.round(score));
  const [low, high] = [Math.min(...scores), Math.max(...scores)];
  return !scores.length ? DASH : low === high ? String(low)
    : low + " to " + high;
}

function figureTiles(site) {
  const change = changeOf(site.now.p50, site.before && site.before.p50);
  const tile = (name, value, kind) => el("div", { class: "tile " +
    (kind || "") }, el("dt", {}, name), el("dd", {}, value));
  return (data) => el("dl", { class: "tiles" },
    tile("Round trip, p50", ms(site.now.p50),
      bandOf(site.now.p50, data.limits)),
    tile("p90", ms(site.now.p90)), tile("p99", ms(site.now.p99)),
    tile("Jitter", ms(site.now.jitter)),
    tile("Loss", percent(site.now.loss)),
    tile("Availability", percent(site.now.availability)),
    tile("Exchange score, of 100", scoreText(site)),
    tile("p50 against the window before", change.text +
      (change.value === null ? "" : " ms"), change.kind));
}

function siteWhere(data, site) {
  const where = [...new Set([site.metro, countryName(site.country),
    site.market].filter(Boolean))].join(", ");
  const parts = [where];
  if (site.kind) {
    const over = data.circuits[site.circuit];
    parts.push("figures of " + word(site.kind) + " to Microsoft targets" +
      (over ? " over " + over.name : ""));
  }
  if (site.expected_pops && site.expected_pops.length) {
    parts.push("expected edge PoP " + site.expected_pops.map((code) =>
      popName(data, code)).join(" or "));
  } else if (site.nearest_pop) {
    parts.push("nearest edge PoP " + popName(data, site.nearest_pop));
  }
  return parts.filter(Boolean).join("; ");
}

function siteFindings(data, site) {
  const own = data.findings.filter((f) => f.site === site.index);
  if (!own.length) {
    return el("p", { class: "note" }, "Nothing stands out here.");
  }
  return el("ol", { class: "findings" }, own.map((f) => {
    const circuit = data.circuits[f.circuit];
    const where = [circuit ? "On " + circuit.label : "", f.pop
      ? "through " + popName(data, f.pop) : "", isNumber(f.since)
      ? "since " + bothTimes(f.since) : ""].filter(Boolean).join(", ");
    return el("li", { class: f.level }, el("p", { class: "text" },
      el("a", { href: siteLink(site, { circuit, time: f.since }) }, f.text)),
    where ? el("p", { class: "where" }, where) : null,
    f.help ? el("p", { class: "help" }, f.help) : null,
    f.source ? el("p", { class: "source" }, f.source) : null);
  }));
}

function placeText(place, distance, address) {
  const parts = [place, isNumber(distance) ? km(distance) : null, address];
  return parts.filter(Boolean).join(", ") || DASH;
}

function locationBadge(data, circuit) {
  const location = circuit.location || "unregistered";
  const since = circuit.location_since;
  return el("span", {}, el("span", { class: "badge " +
    locationClass(location) }, word(location)),
  isNumber(since) && location !== "unregistered" ? " since " +
    (since - data.since < 2 * data.bucket ? "before the window"
      : bothTimes(since)) : "");
}

function circuitsTable(data, site) {
  const table = buildTable("Circuits", ["Circuit", "Provider", "Connection",
    "Peering location", "PoP", "Egress", "Resolver", "p50, ms", "p90, ms",
    "Loss, %", "Score", "Change, ms"], site.circuits.map((c) => {
    const pops = popShares(c.now);
    const all = pops.length ? pops : popShares((c.series.find((s) =>
      s.now.pops) || { now: {} }).now);
    const change = changeOf(c.now.p50, c.before && c.before.p50);
    return [el("a", { href: siteLink(site, { circuit: c }) }, c.label),
      [c.provider, c.observed && "observed: " + c.observed].filter(Boolean)
        .join(", ") || DASH, c.connection
        ? c.connection + (c.primary ? " (primary " + c.primary + (c.backup
          ? ", backup " + c.backup : "") + ")" : "") : DASH,
      locationBadge(data, c), all.slice(0, 3).map(([code, share]) =>
        popName(data, code) + " " + percent(share)).join(", ") || DASH,
      placeText(c.egress_place, c.egress_km, c.egress),
      placeText(c.resolver_place, c.resolver_km, c.resolver),
      msCell(c.now.p50), msCell(c.now.p90), percentCell(c.now.loss),
      { v: c.score, text: number(c.score, 0) },
      { v: change.value, text: change.text, kind: change.kind }];
  }));
  enhanceTable(table);
  return scrolling("Circuits", table);
}

function scrolling(what, table) {
  return el("div", { class: "scroll", tabindex: 0, role: "region",
    "aria-label": what }, table);
}

// Keys of targets at a site, in the order of their first circuit.
function siteTargets(site) {
  return [...new Set(site.circuits.flatMap((c) => c.series)
    .map((s) => s.key))];
}

function targetCell(data, site, series, top) {
  if (!series) {
    return el("td", {}, DASH);
  }
  const loss = series.now.loss;
  return el("td", { class: "target-cell", "data-v": series.now.p50 },
    el("a", { href: siteLink(site, { series, time: selection.time }),
      title: "Show it over time" }, sparkLine(data, series, top),
    el("span", { class: "n " + bandOf(series.now.p50, data.limits) },
      ms(series.now.p50)),
    el("span", { class: "unseen" }, " " + word(series.probe) + " over " +
      series.owner.label)),
    el("span", { class: "sub" }, "loss " + percent(loss) +
      (isNumber(series.worst_burst) ? "; worst 15 s: loss " +
      percent(series.worst_loss) + ", jitter " + ms(series.worst_jitter) +
      "; worst 200 ms: loss " + percent(series.worst_burst) : "")));
}

// Targets down, circuits across; all lines of a row to one scale.
function targetsTable(data, site) {
  const rows = siteTargets(site).map((key) => {
    const several = site.circuits.map((c) =>
      c.series.find((s) => s.key === key));
    const some = several.find(Boolean);
    const top = axisTop([], several.filter(Boolean).flatMap((s) =>
      cellsOf(s, data).p50));
    return el("tr", {}, el("th", { scope: "row" }, some.target, " ",
      el("span", { class: "sub" }, [word(some.probe), some.service, some.host]
        .filter(Boolean).join(", "))),
    several.map((s) => targetCell(data, site, s, top)));
  });
  const table = el("table", { class: "figures targets" },
    el("caption", {}, "Targets over each circuit: p50 over the window"),
    el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "Target"),
      site.circuits.map((c) => el("th", { scope: "col" }, c.label)))),
    el("tbody", {}, rows));
  enhanceTable(table);
  return scrolling("Targets over each circuit", table);
}

function siteMarks(data, site, circuit) {
  return data.events.filter((e) => e.site === site.index &&
    (!circuit || e.circuit === undefined || e.circuit === circuit.index))
    .map((e) => ({ time: isNumber(e.since) ? e.since : e.time,
      event: e.event, level: e.level })).sort((a, b) => a.time - b.time);
}

// What is chosen to look at closely: the series, or the site's first choice.
function chosenSeries(data, site) {
  if (selection.series) {
    return selection.series;
  }
  return (selection.circuit && circuitSeries(selection.circuit)) ||
    defaultSeries(data, site);
}

function seriesTools(data, site, series) {
  const pick = (circuit, key) => {
    const next = circuit.series.find((s) => s.key === key) ||
      circuit.series[0];
    if (next) {
      location.hash = siteLink(site, { series: next, time: selection.time });
    }
  };
  return el("div", { class: "toolbar" }, el("div", { class: "tools" },
    choice("Circuit", site.circuits.filter((c) => c.series.length).map((c) =>
      [String(c.index), c.label]), String(series.owner.index),
    (v) => pick(data.circuits[v], series.key)),
    choice("Target", series.owner.series.map((s) => [s.key, s.target + ", " +
      word(s.probe)]), series.key, (v) => pick(series.owner, v))));
}

function pairTexts(data, site, key) {
  return data.pairs.filter((p) => p.site === site.index &&
    p.target + " " + p.probe === key).map((p) =>
    el("p", { class: "saving" }, p.text));
}

// The part that changes with circuit and target.
function closeUp(data, site, series) {
  const owner = series.owner;
  const marks = siteMarks(data, site, owner);
  const what = series.target + ", " + word(series.probe) + ", over " +
    owner.label;
  const several = site.circuits.map((c) => c.series.find((s) =>
    s.key === series.key)).filter(Boolean);
  const out = [el("h2", {}, "Over time"), seriesTools(data, site, series),
    el("p", { class: "note" }, "Point, or walk with the arrow keys, for " +
      "exact values; click or Enter marks a time in all charts; drag to " +
      "zoom, a double click or Escape shows all."),
    bandChart(data, "Round trips: " + what, series, marks),
    smokeChart(data, "Smoke: " + what, series, marks)];
  if (several.length > 1) {
    out.push(el("h2", {}, "Circuits side by side"),
      ...pairTexts(data, site, series.key),
      compareChart(data, "p50 over each circuit: " + series.target + ", " +
        word(series.probe), several, siteMarks(data, site, null)));
  }
  return out;
}

function siteEvents(data, site) {
  const own = data.events.filter((e) => e.site === site.index);
  if (!own.length) {
    return el("p", { class: "note" }, "No events in this window.");
  }
  const table = eventTable(data, own);
  enhanceTable(table);
  return el("div", {}, scrolling("Events", table));
}

function siteView(data, site) {
  const holder = el("div", { class: "close-up" });
  const part = (title, ...nodes) => nodes.some(Boolean)
    ? el("section", {}, el("h2", {}, title), nodes) : null;
  const node = el("main", { id: "site", "aria-labelledby": "site-name" },
    el("h1", { id: "site-name", tabindex: -1 }, site.label),
    el("p", { class: "note" }, siteWhere(data, site)),
    figureTiles(site)(data), part("What stands out",
      siteFindings(data, site)),
    part("Circuits", circuitsTable(data, site), popTimeline(data, site)),
    holder,
    part("Targets", targetsTable(data, site)),
    part("Phases", phaseTable(data, site)),
    part("Events", siteEvents(data, site)));
  const fill = () => {
    const series = chosenSeries(data, site);
    forget(holder);
    holder.replaceChildren(...(series ? closeUp(data, site, series) : []));
  };
  fill();
  return { node, fill, holder };
}
