/* Tables that are there already: sorted by a column, filtered by words, opened
 * and closed level by level; sections turned into tabs. */

const FILTER_FROM = 9; // rows; fewer are seen at once

function sortValue(row, column) {
  const cell = row.cells[column];
  if (!cell) {
    return null;
  }
  if (cell.dataset.v !== undefined) {
    return Number(cell.dataset.v);
  }
  const time = cell.querySelector && cell.querySelector("time");
  if (time) {
    return Date.parse(time.dateTime);
  }
  return cell.classList.contains("n") ? null : cell.textContent.trim();
}

// What is not known comes last, in whichever direction.
function compareValues(a, b, direction) {
  if (a === null || b === null) {
    return (a === null) - (b === null);
  }
  return direction * (typeof a === "number" && typeof b === "number" ? a - b
    : String(a).localeCompare(String(b), "en", { numeric: true }));
}

// Rows in depth-first order into a tree, sorted among siblings, and back.
function sortedRows(rows, column, direction) {
  const root = { level: -1, children: [] };
  const path = [root];
  for (const row of rows) {
    const node = { row, level: Number(row.dataset.level || 0), children: [] };
    while (path[path.length - 1].level >= node.level) {
      path.pop();
    }
    path[path.length - 1].children.push(node);
    path.push(node);
  }
  const out = [];
  const walk = (node) => {
    node.children.sort((a, b) => compareValues(sortValue(a.row, column),
      sortValue(b.row, column), direction));
    for (const child of node.children) {
      out.push(child.row);
      walk(child);
    }
  };
  walk(root);
  return out;
}

function sortTable(table, column) {
  const heads = [...table.tHead.rows[0].cells];
  const head = heads[column];
  const was = head.getAttribute("aria-sort");
  // Numbers begin with the largest, which is the worst of most.
  const first = head.classList.contains("n") ? "descending" : "ascending";
  const other = first === "ascending" ? "descending" : "ascending";
  const now = was === first ? other : first;
  heads.forEach((h) => h.removeAttribute("aria-sort"));
  head.setAttribute("aria-sort", now);
  const body = table.tBodies[0];
  body.append(...sortedRows([...body.rows], column,
    now === "ascending" ? 1 : -1));
}

function addSorting(table) {
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const sorter = button("", () => sortTable(table, column),
      { class: "sorter" });
    sorter.append(...head.childNodes);
    head.append(sorter);
  });
}

/* Trees: a row is shown if all rows above it are open. */

function levelOf(row) {
  return Number(row.dataset.level || 0);
}

function showTree(table) {
  let closed = Infinity; // level of the closed row that we are under
  for (const row of table.tBodies[0].rows) {
    if (levelOf(row) <= closed) {
      closed = Infinity;
    }
    row.hidden = levelOf(row) > closed;
    if (closed === Infinity && row.dataset.closed !== undefined) {
      closed = levelOf(row);
    }
  }
}

function setOpen(row, open) {
  const opener = row.querySelector("button.opener");
  if (!opener) {
    return;
  }
  opener.setAttribute("aria-expanded", String(open));
  if (open) {
    delete row.dataset.closed;
  } else {
    row.dataset.closed = "";
  }
}

function addOpeners(table) {
  const rows = [...table.tBodies[0].rows];
  rows.forEach((row, i) => {
    const next = rows[i + 1];
    const name = row.cells[0];
    const label = name.textContent;
    if (next && levelOf(next) > levelOf(row)) {
      name.prepend(button("", () => {
        setOpen(row, row.dataset.closed !== undefined);
        showTree(table);
      }, { class: "opener", "aria-label": "What " + label + " consists of" }));
      // Circuits are shown on demand, and more than a screenful of sites.
      setOpen(row, levelOf(row) < (rows.length > 60 ? 1 : 3));
    } else {
      name.prepend(el("span", { class: "opener" }));
    }
  });
  showTree(table);
  return el("div", { class: "tools" },
    button("Open all", () => {
      rows.forEach((row) => setOpen(row, true));
      showTree(table);
    }),
    button("Close all", () => {
      rows.forEach((row) => setOpen(row, false));
      showTree(table);
    }));
}

/* Filtering: every word has to be in the row; in a tree also what leads to a
 * row that has them. */

function matches(row, words) {
  const text = row.textContent.toLowerCase();
  return words.every((word) => text.includes(word));
}

function filterTable(table, text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const rows = [...table.tBodies[0].rows];
  if (!words.length) {
    rows.forEach((row) => {
      row.hidden = false;
    });
    if (table.classList.contains("tree")) {
      showTree(table);
    }
    return rows.length;
  }
  let needed = -1; // levels up to this one lead to a match below
  let shown = 0;
  for (const row of rows.reverse()) {
    const hit = matches(row, words);
    const leads = levelOf(row) < needed;
    row.hidden = !hit && !leads;
    shown += hit;
    if (hit || leads) {
      needed = levelOf(row);
    }
  }
  return shown;
}

function addFilter(table) {
  const said = el("span", { class: "note", role: "status" });
  const input = el("input", { type: "search", autocomplete: "off",
    oninput: () => {
      const shown = filterTable(table, input.value);
      said.textContent = input.value.trim() ? count(shown) + " of " +
        count(table.tBodies[0].rows.length) + " rows" : "";
    } });
  return el("div", { class: "tools" },
    el("label", { class: "choice" }, el("span", {}, "Filter"), input), said);
}

function enhanceTable(table) {
  if (!table.tHead || !table.tBodies.length || table.dataset.ready) {
    return;
  }
  table.dataset.ready = "yes";
  const tools = [];
  addSorting(table);
  if (table.tBodies[0].rows.length >= FILTER_FROM) {
    tools.push(addFilter(table));
  }
  if (table.classList.contains("tree")) {
    tools.push(addOpeners(table));
  }
  const holder = table.closest(".scroll") || table;
  if (tools.length) {
    holder.before(el("div", { class: "toolbar" }, tools));
  }
}

// Rows and items about a site lead there.
function linkRows(data, container) {
  for (const item of container.querySelectorAll(
    "[data-site], [data-circuit]")) {
    const circuit = data.circuits[item.dataset.circuit];
    const site = circuit ? circuit.home : data.sites[item.dataset.site];
    const name = item.cells ? item.cells[0] : item;
    if (site && name && !name.querySelector("a")) {
      const link = el("a", { href: siteLink(site, { circuit }) });
      link.append(...name.childNodes);
      name.append(link);
    }
  }
}

/* Sections under one heading into tabs. In print all of them stand there. */

function addTabs(section) {
  const panels = [...section.children].filter((child) =>
    child.matches("section[id]") && child.querySelector("h3"));
  if (panels.length < 2) {
    return;
  }
  const tabs = panels.map((panel, i) => button(
    panel.querySelector("h3").textContent, () => show(i),
    { role: "tab", id: panel.id + "-tab", "aria-controls": panel.id }));
  function show(i) {
    panels.forEach((panel, k) => {
      panel.classList.toggle("put-away", k !== i);
      tabs[k].setAttribute("aria-selected", String(k === i));
      tabs[k].tabIndex = k === i ? 0 : -1;
    });
  }
  panels.forEach((panel) => {
    panel.setAttribute("role", "tabpanel");
    panel.setAttribute("aria-labelledby", panel.id + "-tab");
    panel.querySelector("h3").classList.add("in-print");
  });
  const list = el("div", { class: "tabs", role: "tablist",
    "aria-label": section.querySelector("h2").textContent }, tabs);
  rove(list, tabs, (i) => show(i));
  panels[0].before(list);
  show(0);
}

// Arrow keys, Home and End move the focus among `nodes`, one of which is in the
// page's order of tabs.
function rove(container, nodes, onmove = () => {}) {
  const steps = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
  container.addEventListener("keydown", (event) => {
    const at = nodes.indexOf(document.activeElement);
    if (at < 0 || event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    const to = event.key === "Home" ? 0 : event.key === "End"
      ? nodes.length - 1
      : at + (Object.hasOwn(steps, event.key) ? steps[event.key] : NaN);
    if (nodes[to]) {
      event.preventDefault();
      nodes.forEach((node, i) => node.setAttribute("tabindex",
        i === to ? 0 : -1));
      nodes[to].focus();
      onmove(to);
    }
  });
}
