/* The world map: sites by band (colour, shape), the PoPs, and a line from each
 * site to the PoPs that answer it. An SVG in which every site is a link that
 * the keyboard reaches. */

const MAP_SHAPES = {
  good: "M-6,0a6,6 0 1,0 12,0a6,6 0 1,0 -12,0z",
  fair: "M0,-7.5L7,5.5L-7,5.5z",
  poor: "M-6,-6H6V6H-6z",
  none: "M-5,0a5,5 0 1,0 10,0a5,5 0 1,0 -10,0z",
};
const POP_SHAPE = "M0,-4.5L4.5,0L0,4.5L-4.5,0z";
const BAND_WORDS = {
  good: (limits) => "good, up to " + limits.good + " ms",
  fair: (limits) => "fair, up to " + limits.poor + " ms",
  poor: (limits) => "poor, above " + limits.poor + " ms",
  none: () => "no round trips",
};

function landFeature() {
  const block = document.getElementById("land");
  try {
    const topology = JSON.parse(block.textContent);
    const name = topology.objects.land ? "land"
      : Object.keys(topology.objects)[0];
    return topojson.feature(topology, topology.objects[name]);
  } catch {
    return null; // no coastlines, then
  }
}

// Lines of the map: one a site and PoP that answered it.
function mapLinks(data) {
  const links = [];
  for (const site of data.sites.filter(hasPlace)) {
    for (const [code, share] of sitePops(site)) {
      const pop = data.popOf.get(code);
      if (hasPlace(pop) && share >= 1) {
        links.push({ site, pop, share, expected: isExpected(site, code) });
      }
    }
  }
  return links;
}

// What has to be in sight: sites and what answers them, with some land around,
// so that one city does not fill the map.
function mapBounds(data, links) {
  const places = data.sites.filter(hasPlace).concat(links.map((l) => l.pop));
  return { type: "MultiPoint", coordinates: places.flatMap((p) =>
    [[-4, -3], [4, 3]].map(([lon, lat]) => [p.lon + lon,
      Math.max(-89, Math.min(89, p.lat + lat))])) };
}

function mapProjection(view, width, height, bounds) {
  const world = d3.geoNaturalEarth1();
  if (view.all || !bounds.coordinates.length) {
    world.fitExtent([[4, 4], [width - 4, height - 4]], { type: "Sphere" });
  } else {
    const pad = Math.min(50, width / 8);
    world.fitExtent([[pad, 20], [width - pad, height - 20]], bounds);
  }
  const [x, y] = world.translate();
  const k = view.zoom;
  world.scale(world.scale() * k).translate([
    width / 2 + (x - width / 2) * k + view.x,
    height / 2 + (y - height / 2) * k + view.y]);
  return world;
}

// Names where they fit around a mark of that radius, or not at all.
function placeLabel(boxes, x, y, r, text) {
  const w = 6.6 * text.length + 2, h = 14;
  const side = y - h / 2, above = y - r - 2 - h, below = y + r + 2;
  // Where the text is anchored, and how.
  const spots = [[x + r + 3, side, "start"], [x - r - 3, side, "end"],
    [x, above, "middle"], [x, below, "middle"], [x + 4, above, "start"],
    [x + 4, below, "start"], [x - 4, above, "end"], [x - 4, below, "end"]];
  for (const [at, y0, anchor] of spots) {
    const x0 = anchor === "start" ? at : anchor === "end" ? at - w
      : at - w / 2;
    const box = [x0, y0, x0 + w, y0 + h];
    if (!boxes.some((b) => b[0] < box[2] && box[0] < b[2] && b[1] < box[3] &&
      box[1] < b[3])) {
      boxes.push(box);
      return { x: at, y: y0 + h - 3.5, anchor };
    }
  }
  return null;
}

function label(group, boxes, [x, y], r, text, kind) {
  const spot = placeLabel(boxes, x, y, r, text);
  if (spot) {
    group.append(svg("text", { class: "label " + kind, x: spot.x, y: spot.y,
      "text-anchor": spot.anchor, "aria-hidden": "true", text }));
  }
}

function drawLinks(root, path, links, say) {
  const group = svg("g", { class: "links" });
  // The thin ones last, so that they can be hit.
  for (const link of links.slice().sort((a, b) => b.share - a.share)) {
    const text = link.site.label + " to " + link.pop.city + " (" +
      link.pop.code + "): " + percent(link.share) + " of answers, " +
      km(distanceKm(link.site, link.pop)) +
      (link.expected ? "" : ", not where it is expected");
    const line = svg("path", { d: path({ type: "LineString", coordinates:
      [[link.site.lon, link.site.lat], [link.pop.lon, link.pop.lat]] }),
    class: link.expected ? "link" : "link astray",
    "stroke-width": (1 + 3 * link.share / 100).toFixed(1) },
    svg("title", { text }));
    line.addEventListener("pointerenter", () => say(text));
    group.append(line);
  }
  root.append(group);
}

function drawPops(root, data, used, at, boxes, say) {
  const group = svg("g", { class: "pops" });
  for (const pop of data.pops.filter(hasPlace)) {
    const [x, y] = at(pop);
    const text = "Edge PoP " + pop.code + ", " + pop.city +
      (used.has(pop.code) ? "" : ": expected, did not answer");
    const mark = svg("path", { d: POP_SHAPE,
      transform: `translate(${x.toFixed(1)},${y.toFixed(1)})`,
      class: used.has(pop.code) ? "pop" : "pop unused" },
    svg("title", { text }));
    mark.addEventListener("pointerenter", () => say(text));
    group.append(mark);
  }
  root.append(group);
  return (labels) => data.pops.filter(hasPlace).forEach((pop) => {
    label(labels, boxes, at(pop), 6, pop.code, "of-pop");
  });
}

function drawSites(root, data, at, boxes, say) {
  const group = svg("g", { class: "sites" });
  const labels = svg("g", {});
  const sites = sortedSites(data, "worst").filter(hasPlace);
  const radii = [];
  // The worst is painted last, and the focus begins with it.
  const links = sites.map((site, i) => {
    const [x, y] = at(site);
    const band = bandOf(site.now.p50, data.limits);
    const bad = findingLevel(data, site) === "bad";
    const text = siteSentence(data, site);
    const r = bad ? 11 : 7;
    radii.push(r);
    boxes.push([x - r, y - r, x + r, y + r]);
    const link = svg("a", { href: siteLink(site), class: "site " + band,
      tabindex: i === 0 ? 0 : -1, "aria-label": text,
      transform: `translate(${x.toFixed(1)},${y.toFixed(1)})` },
    svg("title", { text }),
    svg("circle", { r: 14, class: "hit" }),
    ...(bad ? [svg("circle", { r: 11, class: "ring" })] : []),
    svg("path", { d: MAP_SHAPES[band], class: "mark" }));
    link.addEventListener("pointerenter", () => say(text));
    link.addEventListener("focus", () => say(text));
    return link;
  });
  sites.forEach((site, i) => label(labels, boxes, at(site), radii[i],
    site.label, "of-site"));
  group.append(...links.slice().reverse());
  root.append(labels, group);
  rove(group, links);
  return labels;
}

function legendMark(text, ...shapes) {
  return el("li", {}, svg("svg", { width: 26, height: 26,
    viewBox: "-13 -13 26 26", "aria-hidden": "true" }, ...shapes), text);
}

function mapLegend(data) {
  const item = (shape, kind, text) => legendMark(text,
    svg("g", { class: "site " + kind },
      svg("path", { d: shape, class: "mark" })));
  const bands = ["good", "fair", "poor", "none"].filter((band) =>
    data.sites.some((s) => bandOf(s.now.p50, data.limits) === band));
  const line = (kind, text) => legendMark(text, svg("path", { d: "M-13,0H13",
    class: kind, "stroke-width": 2.5 }));
  return el("ul", { class: "legend" },
    bands.map((band) => item(MAP_SHAPES[band], band,
      "Site: " + BAND_WORDS[band](data.limits))),
    data.findings.some((f) => f.level === "bad") ? legendMark("something bad " +
      "stands out there", svg("circle", { r: 11, class: "ring" })) : null,
    legendMark("edge PoP", svg("path", { class: "pop", d: POP_SHAPE })),
    line("link", "answers it (thicker: larger share)"),
    line("link astray", "not the PoP that is expected"));
}

function mapTable(data) {
  return buildTable("Sites and the edge PoPs that answer them",
    ["Site", "p50, ms", "Band", "PoP", "Share, %", "Distance, km", "Expected"],
    sortedSites(data, "worst").flatMap((site) => {
      const pops = sitePops(site);
      return (pops.length ? pops : [["", null]]).map(([code, share]) => {
        const pop = data.popOf.get(code);
        const far = hasPlace(pop) && hasPlace(site)
          ? distanceKm(site, pop) : null;
        return [el("a", { href: siteLink(site) }, site.label),
          msCell(site.now.p50), bandOf(site.now.p50, data.limits),
          share === null ? DASH : popName(data, code), percentCell(share),
          { v: far, text: number(far, 0) },
          !code ? DASH : isExpected(site, code) ? "yes" : "no"];
      });
    }));
}

// Dragging moves the map; the page still scrolls by touch.
function addDragging(root, view, again) {
  let from = null;
  root.addEventListener("pointerdown", (event) => {
    if (event.pointerType === "mouse" && !event.target.closest("a")) {
      from = { x: event.clientX - view.x, y: event.clientY - view.y };
      root.setPointerCapture(event.pointerId);
    }
  });
  root.addEventListener("pointermove", (event) => {
    if (from) {
      view.x = event.clientX - from.x;
      view.y = event.clientY - from.y;
      again();
    }
  });
  for (const end of ["pointerup", "pointercancel"]) {
    root.addEventListener(end, () => {
      from = null;
    });
  }
}

function startMap(data, section) {
  const land = landFeature();
  const links = mapLinks(data);
  const bounds = mapBounds(data, links);
  const used = new Set(links.map((l) => l.pop.code));
  const view = { all: false, zoom: 1, x: 0, y: 0 };
  const root = svg("svg", { class: "map", role: "group",
    "aria-label": "Map of sites and edge PoPs" });
  const readout = el("p", { class: "readout" }, "Point at a site, or reach " +
    "it with the arrow keys, for its figures; Enter opens it.");
  const say = (text) => {
    readout.textContent = text;
    announce(text);
  };
  const frame = el("div", { class: "map-frame" }, root);
  const draw = (width) => {
    const focused = root.contains(document.activeElement)
      ? document.activeElement.getAttribute("href") : null;
    const height = Math.round(Math.min(520, Math.max(240, width * 0.5)));
    root.setAttribute("viewBox", `0 0 ${width} ${height}`);
    root.setAttribute("width", width);
    root.setAttribute("height", height);
    const projection = mapProjection(view, width, height, bounds);
    const path = d3.geoPath(projection.clipExtent([[-2, -2],
      [width + 2, height + 2]]));
    const at = (place) => projection([place.lon, place.lat]);
    const boxes = [[-999, 0, 3, height], [width - 3, 0, width + 999, height]];
    root.replaceChildren(svg("path", { class: "land",
      d: land && path(land) }));
    drawLinks(root, path, links, say);
    const labelPops = drawPops(root, data, used, at, boxes, say);
    labelPops(drawSites(root, data, at, boxes, say));
    const again = focused &&
      root.querySelector(`a[href="${CSS.escape(focused)}"]`);
    if (again) {
      again.focus();
    }
  };
  const again = () => draw(Math.floor(frame.clientWidth));
  const look = (changes) => {
    Object.assign(view, changes);
    again();
  };
  addDragging(root, view, again);
  section.append(el("div", { class: "toolbar" }, el("div", { class: "tools" },
    button("Sites", () => look({ all: false, zoom: 1, x: 0, y: 0 })),
    button("World", () => look({ all: true, zoom: 1, x: 0, y: 0 })),
    button("+", () => look({ zoom: view.zoom * 1.5, x: view.x * 1.5,
      y: view.y * 1.5 }), { "aria-label": "Nearer" }),
    button(MINUS, () => look({ zoom: view.zoom / 1.5, x: view.x / 1.5,
      y: view.y / 1.5 }), { "aria-label": "Farther" }))),
  drawLazily(frame, draw), readout, mapLegend(data));
  const nowhere = data.sites.filter((s) => !hasPlace(s));
  if (nowhere.length) {
    section.append(el("p", { class: "note" }, "Without coordinates: ",
      nowhere.flatMap((s, i) => [i ? ", " : "",
        el("a", { href: siteLink(s) }, s.label)])));
  }
  section.append(asTable("Sites and the edge PoPs that answer them",
    () => mapTable(data)));
}
