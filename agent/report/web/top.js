/* Tiles, findings, events: what is read first, and where it leads. */

function overviewTiles(data) {
  const bands = { good: 0, fair: 0, poor: 0, none: 0 };
  data.circuits.forEach((c) => {
    bands[bandOf(c.now.p50, data.limits)]++;
  });
  const open = data.events.filter((e) => !isNumber(e.until));
  const worst = sortedSites(data, "worst")[0];
  const tile = (name, value, kind) => el("div", { class: "tile " +
    (kind || "") }, el("dt", {}, name), el("dd", {}, value));
  const bad = data.sites.filter((s) => findingLevel(data, s) === "bad").length;
  const tiles = [tile("Sites where something is bad", count(bad) +
    " of " + count(data.sites.length)),
  tile("Circuits up to " + data.limits.good + " ms", count(bands.good),
    "good"),
  tile("Circuits up to " + data.limits.poor + " ms", count(bands.fair),
    "fair"),
  tile("Circuits above " + data.limits.poor + " ms", count(bands.poor),
    "poor"),
  tile("Events (not over yet)", count(data.events.length) + " (" +
    count(open.length) + ")")];
  if (worst) {
    tiles.unshift(tile("Worst site", el("a", { href: siteLink(worst) },
      worst.label)));
  }
  return el("dl", { class: "tiles" }, tiles);
}

function startTop(data) {
  const range = document.getElementById("range");
  if (!range || !data.sites.length) {
    return;
  }
  const zone = localZone();
  const last = document.getElementById("counts") || range;
  last.after(el("p", { class: "note" }, "Charts have a " +
    "value every " + duration(data.bucket) + ". Times are of " + zone +
    (zone === "UTC" ? "." : ", with UTC in brackets.")), overviewTiles(data));
}

// The reader's own time in all <time> elements.
function localTimes(container) {
  for (const node of container.querySelectorAll("time[datetime]")) {
    const time = Date.parse(node.dateTime) / 1000;
    if (isNumber(time)) {
      node.title = node.textContent;
      node.textContent = bothTimes(time);
    }
  }
}

// Each finding leads to its circuit and marks when it began.
function startFindings(data, section) {
  for (const item of section.querySelectorAll("[data-finding]")) {
    const finding = data.findings[item.dataset.finding];
    const site = finding && data.sites[finding.site];
    const text = item.querySelector(".text") || item;
    if (site && !text.querySelector("a")) {
      const link = el("a", { href: siteLink(site,
        { circuit: data.circuits[finding.circuit], time: finding.since }) });
      link.append(...text.childNodes);
      text.append(link);
    }
  }
}

function eventTable(data, events) {
  return buildTable("Events", ["Time", "Level", "Event", "For", "Circuit",
    "What"], events.map((e) => {
    const circuit = data.circuits[e.circuit];
    const from = isNumber(e.since) ? e.since : e.time;
    return [{ v: from, left: true, text: button(bothTimes(from),
      () => markTime(data, from), { class: "link",
        title: "Mark this time in all charts" }) },
    el("span", { class: "badge " + e.level }, e.level), word(e.event),
    !isNumber(e.until) ? "still so" : e.until > from
      ? duration(e.until - from) : DASH,
    circuit ? circuit.label : DASH, e.text];
  }));
}

// In the list of all events: the time marks, the rest of the row leads there.
function startEvents(data, section) {
  for (const row of section.querySelectorAll("[data-event]")) {
    const event = data.events[row.dataset.event];
    const site = event && data.sites[event.site];
    const time = row.querySelector("time") || (row.cells && row.cells[0]);
    if (!event || !time) {
      continue;
    }
    const from = isNumber(event.since) ? event.since : event.time;
    const marker = button("", () => markTime(data, from), { class: "link",
      title: "Mark this time in all charts" });
    time.replaceWith(marker);
    marker.append(time);
    const where = site && [...row.cells].find((cell) =>
      cell.textContent.trim() === site.label);
    if (where) {
      const link = el("a", { href: siteLink(site,
        { circuit: data.circuits[event.circuit], time: from }) });
      link.append(...where.childNodes);
      where.append(link);
    }
  }
}

// Which time is marked, and how to be rid of it.
function markNote(data) {
  const text = el("span", {});
  const note = el("p", { class: "mark-note", role: "status", hidden: true },
    text, button("Clear", () => markTime(data, null)));
  onSelection(() => {
    note.hidden = !isNumber(selection.time);
    text.textContent = note.hidden ? ""
      : "Marked: " + bothTimes(selection.time);
  });
  return note;
}
