/* Starts what is there: first what is seen first, sites when they are asked
 * for. Without data the page stays as it was written. */

// The bar that stays: overview, sites, colours.
function makeBar(data) {
  const sites = sortedSites(data, "worst");
  const picker = choice("Site", [["", "Overview"]].concat(sites.map((s) =>
    [String(s.index), s.label])), "", (v) => {
    location.hash = v === "" ? overviewLink() : siteLink(data.sites[v]);
  });
  const select = picker.querySelector("select");
  const walk = (step) => {
    const at = sites.indexOf(selection.site);
    const next = sites[(at + step + sites.length) % sites.length];
    location.hash = siteLink(at < 0 ? sites[0] : next);
  };
  const walker = (arrow, name, step) => {
    const node = button(arrow, () => walk(step),
      { "aria-label": `Next ${name.toLowerCase()} site` });
    node[step < 0 ? "append" : "prepend"](el("span", { class: "on-desk" },
      step < 0 ? " " + name : name + " "));
    return node;
  };
  const colours = button("", () => adjust(data,
    { theme: isDark() ? "light" : "dark" }));
  onSelection(() => {
    select.value = selection.site ? String(selection.site.index) : "";
    colours.textContent = isDark() ? "Light" : "Dark";
    colours.setAttribute("aria-label", isDark() ? "Light colours"
      : "Dark colours");
  });
  return el("nav", { class: "bar", "aria-label": "Sites" },
    el("a", { href: "#top", class: "home", onclick: (event) => {
      event.preventDefault();
      location.hash = overviewLink();
    } }, "Overview"), picker,
    walker("◂", "Worse", -1), walker("▸", "Better", 1),
    colours, markNote(data));
}

// The view of the chosen site in place of the overview.
function makeViews(data, overview) {
  let view = null, shown = null;
  onSelection((now, before) => {
    const site = now.site;
    if (site !== shown) {
      if (view) {
        forget(view.node);
        view.node.remove();
        view = null;
      }
      document.body.classList.toggle("in-site", Boolean(site));
      overview.hidden = Boolean(site);
      shown = site;
      if (site) {
        view = siteView(data, site);
        overview.after(view.node);
        scrollTo(0, 0);
        view.node.querySelector("h1").focus({ preventScroll: true });
        announce(siteSentence(data, site));
      }
    } else if (view && (now.series !== before.series ||
      now.circuit !== before.circuit)) {
      view.fill();
      view.holder.scrollIntoView({ block: "nearest" });
    }
    document.title = (site ? site.label + ", " : "") + data.title;
    if (before.site && !site) {
      scrollTo(0, overviewScroll);
    }
  });
}

let overviewScroll = 0;

// Colours and the marked time concern whatever is drawn.
function followColours() {
  let last = null;
  const redraw = () => {
    const dark = isDark();
    document.documentElement.dataset.theme = dark ? "dark" : "light";
    const state = dark + " " + selection.time;
    if (last !== null && state !== last) {
      drawAllAgain();
    }
    last = state;
  };
  onSelection(redraw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change",
    redraw);
  addEventListener("beforeprint", drawForPrint);
  addEventListener("afterprint", () => {
    printing = false;
    document.documentElement.dataset.theme = isDark() ? "dark" : "light";
    drawAllAgain();
  });
}

function startPage(data) {
  const main = document.querySelector("main");
  const header = document.getElementById("top");
  document.documentElement.classList.add("ready");
  document.body.prepend(makeBar(data));
  followColours();
  const start = (id, f) => {
    const section = document.getElementById(id);
    if (!section || !data.sites.length) {
      return;
    }
    try {
      f(data, section);
    } catch (error) {
      // The other parts are there all the same.
      section.append(el("p", { class: "failed" },
        "This cannot be drawn here: " + error.message));
      reportError(error);
    }
  };
  startTop(data);
  localTimes(document);
  start("findings", startFindings);
  start("map", startMap);
  start("strips", startStrips);
  start("events", startEvents);
  linkRows(data, main);
  main.querySelectorAll("table").forEach(enhanceTable);
  start("rollups", (_, section) => addTabs(section));
  makeViews(data, main);
  addEventListener("hashchange", () => followAddress(data));
  addEventListener("scroll", () => {
    if (!selection.site) {
      overviewScroll = scrollY;
    }
  }, { passive: true });
  if (header) {
    header.classList.add("in-overview");
  }
  main.classList.add("in-overview");
  followAddress(data);
  document.documentElement.dataset.started = "yes";
}

const block = document.getElementById("data");
if (block) {
  readData(block.textContent).then(startPage).catch((error) => {
    // The tables are there all the same; say why there is no more.
    document.body.prepend(el("p", { class: "failed", role: "alert" },
      "The charts cannot be drawn here: " + error.message));
  });
}
