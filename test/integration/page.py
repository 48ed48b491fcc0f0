#!/usr/bin/env python3
"""The report as a page in a real browser: nothing is asked of anybody, all is
drawn, mouse and keyboard lead everywhere, it is legible on a phone, in the dark,
on paper and without its script.

Pictures of what was seen are left in TEST_PICTURES, if that is set. Skipped
where Chromium or chromedriver is not installed."""
import base64
import html.parser
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zlib

TOP = os.path.normpath(f"{os.path.dirname(os.path.abspath(__file__))}/../..")
sys.path.insert(0, f"{TOP}/test/lib")
import browser  # noqa: E402

BUILD = os.environ.get("TEST_BUILD", f"{TOP}/build")
AGENT = os.environ.get("EDGEPROBE_RELEASE",
                       f"{BUILD}/release/agent/edgeprobe")
TOOLS = os.environ.get("TEST_TOOLS", f"{BUILD}/release/test/lib")
BARE = os.environ.get("EDGEPROBE_THREAD",
                      f"{BUILD}/thread/agent/edgeprobe")
PICTURES = os.environ.get("TEST_PICTURES", "")
DESKTOP, PHONE = (1366, 900), (390, 844)
WORST = "Paris office"  # of the made-up model

# Every text that is seen against what is painted behind it, as WCAG 2.2 counts
# contrast; large text may have 3.
CONTRAST = r"""
const parse = (text) => (text.match(/[\d.]+/g) || []).map(Number);
const light = ([r, g, b]) => {
  const [x, y, z] = [r, g, b].map((v) => v / 255).map((v) =>
    v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  return 0.2126 * x + 0.7152 * y + 0.0722 * z;
};
const over = (top, under) => {
  const a = top[3] === undefined ? 1 : top[3];
  return [0, 1, 2].map((i) => top[i] * a + under[i] * (1 - a));
};
const paper = (node) => {
  const stack = [];
  for (let at = node; at; at = at.parentElement) {
    stack.push(parse(getComputedStyle(at).backgroundColor));
  }
  const base = matchMedia("(prefers-color-scheme: dark)").matches &&
    getComputedStyle(document.documentElement).colorScheme.includes("dark")
    ? [18, 18, 18] : [255, 255, 255];
  return stack.reverse().reduce((under, top) => over(top, under), base);
};
const poor = [];
let seen = 0;
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const text = walker.currentNode.textContent.trim();
  const node = walker.currentNode.parentElement;
  if (!text || node.closest("script, style, svg, option") ||
      !node.checkVisibility() || node.closest(".unseen")) continue;
  const style = getComputedStyle(node);
  const under = paper(node);
  const ink = over(parse(style.color), under);
  const [a, b] = [light(ink), light(under)].sort((x, y) => y - x);
  const size = parseFloat(style.fontSize);
  const large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
  seen++;
  if ((a + 0.05) / (b + 0.05) < (large ? 3 : 4.5))
    poor.push(`${text.slice(0, 40)} (${node.className}): ` +
      ((a + 0.05) / (b + 0.05)).toFixed(2));
}
return { seen, poor };
"""

# Pixels of a canvas that are not all alike.
CANVASES = """
return [...document.querySelectorAll(arguments[0])].map((canvas) => {
  const ctx = canvas.getContext("2d");
  const data = new Uint32Array(ctx.getImageData(0, 0, canvas.width,
    canvas.height).data.buffer);
  return new Set(data).size;
});
"""

# Each piece is drawn when it comes near the screen.
PASS = """
return (async () => {
  for (let y = 0; y < document.documentElement.scrollHeight; y += 500) {
    scrollTo({ top: y, behavior: "instant" });
    await new Promise((f) => requestAnimationFrame(() =>
      requestAnimationFrame(f)));
  }
  scrollTo({ top: 0, behavior: "instant" });
})();
"""


def check(holds, what):
    if not holds:
        raise browser.Failed(what)


def written(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def document(page):
    """What the script is given."""
    block = re.search(r'id="data">([^<]+)<', page)
    return json.loads(zlib.decompress(base64.b64decode(block[1])))


def codes(cells, name):
    """Milliseconds of a list of differences; None where there was nothing."""
    code, out = 0, []
    for step in cells[name]:
        code += step
        out.append(2 ** ((code - 1) / 128) / 1e6 if code else None)
    return out


def three_digits(value):
    """As the page writes milliseconds."""
    size = abs(value)
    return f"{value:.{0 if size >= 99.95 else 1 if size >= 9.995 else 2}f}"


class Marks(html.parser.HTMLParser):
    """What may not stand in a page with a strict policy."""

    def __init__(self, page):
        super().__init__()
        self.bad, self.ids = [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        for name, value in attrs:
            if name.startswith("on") or name in ("style", "srcset"):
                self.bad.append(f"<{tag} {name}>")
            if name in ("src", "href") and not value.startswith("#"):
                self.bad.append(f"<{tag} {name}={value}>")
            if name == "id":
                self.ids.append(value)
        if tag in ("link", "iframe", "object", "embed", "base", "img"):
            self.bad.append(f"<{tag}>")


class Page:
    """A page that is open, and what should be in it."""

    def __init__(self, driver, path):
        self.driver, self.path = driver, path
        self.data = document(written(path))

    def start(self, size=DESKTOP, scheme="light"):
        self.driver.size(*size, phone=size == PHONE)
        self.driver.media(scheme)
        self.driver.open("/dev/null")
        self.driver.open(self.path)
        self.driver.until("document.documentElement.dataset.started",
                          "the script starts")

    def through(self):
        self.driver.js(PASS)

    def centre(self, selector, text=""):
        """Of the first such element with that text, once it is in sight."""
        found = self.driver.js("""
            const node = [...document.querySelectorAll(arguments[0])].find(
                (n) => n.textContent.includes(arguments[1]) ||
                (n.getAttribute("aria-label") || "").includes(arguments[1]));
            if (!node) return null;
            node.scrollIntoView({ block: "center", behavior: "instant" });
            const box = node.getBoundingClientRect();
            return [box.left + box.width / 2, box.top + box.height / 2,
                box.left, box.width];""", selector, text)
        check(found, f"no {selector} with {text!r}")
        return found

    def picture(self, name):
        if PICTURES:
            self.driver.picture(f"{PICTURES}/{name}.png")


def marks_are_strict(page):
    text = written(page.path)
    found = Marks(text)
    check(not found.bad, f"the markup has {found.bad[:5]}")
    check(len(found.ids) == len(set(found.ids)), "an id stands there twice")
    check("default-src 'none'" in text and "unsafe" not in text.split(
        "</head>")[0].split("<style>")[0], "the policy is not strict")
    check(len(text) < 3e6, f"{len(text)} bytes are too many")


def asks_nobody(page):
    """No error and no request so far, from all pages that were open."""
    errors = [e["message"] for e in page.driver.logged("browser")
              if e["level"] in ("SEVERE", "WARNING")]
    check(not errors, f"the console has {errors[:3]}")
    urls = set()
    for entry in page.driver.logged("performance"):
        message = json.loads(entry["message"])["message"]
        asked = message["params"]
        if message["method"] == "Network.requestWillBeSent" and \
                asked["documentURL"].startswith("file:"):
            urls.add(asked["request"]["url"].split("#")[0])
    foreign = urls - {f"file://{page.path}", "file:///dev/null"}
    check(f"file://{page.path}" in urls and not foreign,
          f"it asked for {sorted(foreign)[:3]}")


def overview_is_drawn(page):
    page.start()
    page.through()
    drawn = page.driver.js("""
        return [document.querySelector("svg.map path.land")
            .getAttribute("d").length,
            document.querySelectorAll("svg.map a.site").length];""")
    check(drawn[0] > 500, "the map has no coastline")
    check(drawn[1] == len(page.data["sites"]), f"the map has {drawn[1]} sites")
    colours = page.driver.js(CANVASES, "#strips canvas")
    check(len(colours) > len(page.data["sites"]) and min(colours) > 1,
          f"strips are blank: {colours}")
    page.picture("desktop-light")


def hover_tells_exact_values(page):
    """Of a heat strip: the median of the bucket under the mouse."""
    buckets = page.data["buckets"]
    site = next(s for s in page.data["sites"] if s["name"] == WORST)
    at = buckets * 3 // 4
    _, y, left, width = page.centre(".strip-row:has(a[href*=Paris]) .strip")
    page.driver.point(left + width * (at + 0.5) / buckets, y)
    said = page.driver.until(
        "document.querySelector('#strips .readout').textContent"
        ".includes('Paris') && document.querySelector('#strips .readout')"
        ".textContent", "the strip says what is under the mouse")
    value = three_digits(codes(site["cells"], "p50")[at])
    check(value in said, f"{value} ms is not in {said!r}")


def clicks_lead_to_a_target(page):
    x, y, *_ = page.centre("svg.map a.site", WORST)
    page.driver.click(x, y)
    page.driver.until("document.querySelector('#site-name')?.textContent === "
                      + json.dumps(WORST), "the map leads to a site")
    page.through()
    page.picture("desktop-site")
    colours = page.driver.js(CANVASES, "#site figure canvas")
    check(len(colours) >= 3 and min(colours) > 1,
          f"charts of a site are blank: {colours}")
    x, y, *_ = page.centre("#site table.targets a[href*=sharepoint]")
    page.driver.click(x, y)
    page.driver.until("[...document.querySelectorAll('#site figcaption')]"
                      ".some((n) => n.textContent.includes('sharepoint'))",
                      "a target is shown over time")
    chart_tells_values(page)


def chart_tells_values(page):
    page.centre("#site figure")
    page.driver.until("document.querySelector('#site figure .u-over')",
                      "the chart is drawn where it is looked at")
    x, y, left, width = page.centre("#site figure .u-over")
    page.driver.point(left + width / 2, y)
    page.driver.point(x + 1, y)
    said = page.driver.until(
        "document.querySelector('#site figure:has(.u-over) .readout')"
        ".textContent.match(/.* ms.*/)?.[0]", "the chart says its values")
    series = next(s for s in page.data["series"] if s["target"] == "sharepoint"
                  and s["probe"] == page.driver.js(
                      "return new URLSearchParams(location.hash.slice(1))"
                      ".get('probe')") and page.data["sites"][
                          page.data["circuits"][s["circuit"]]["site"]]["name"]
                  == WORST)
    known = {three_digits(v) for v in codes(series["cells"], "p50") if v}
    check(any(f"{v} ms" in said for v in known), f"no median in {said!r}")


def tables_stand_behind_charts(page):
    """Of the site that is open: each figure has one, with a row a bucket."""
    rows = page.driver.js("""
        return [...document.querySelectorAll("#site figure")].map((f) => {
            const details = f.querySelector("details.as-table");
            if (!details) return 0;
            details.open = true;
            return new Promise((done) => setTimeout(() =>
                done(details.querySelectorAll("tbody tr").length)));
        });""")
    rows = page.driver.js("""
        return [...document.querySelectorAll("#site figure details.as-table")]
            .map((d) => d.querySelectorAll("tbody tr").length);""")
    check(len(rows) >= 3 and min(rows) > 1, f"tables behind charts: {rows}")


def keyboard_reaches_the_same(page):
    page.start()
    reach(page, "document.activeElement.closest('svg.map a.site')",
          "a site of the map")
    name = page.driver.js("return document.activeElement"
                          ".getAttribute('aria-label').split(';')[0]")
    page.driver.key("Enter")
    page.driver.until("document.querySelector('#site-name')?.textContent === "
                      + json.dumps(name), "Enter opens the site")
    check(page.driver.js("return document.activeElement.id") == "site-name",
          "the focus does not follow")
    page.through()
    reach(page, "document.activeElement.matches('#site .chart')", "a chart")
    page.driver.key("ArrowLeft")
    page.driver.until("document.activeElement.parentElement.querySelector("
                      "'.readout').textContent.includes(' ms')",
                      "arrows read the chart's values")
    page.driver.key("Escape")
    page.driver.js("document.querySelector('.bar .home').focus()")
    page.driver.key("Enter")
    page.driver.until("!document.querySelector('#site')", "Enter leads back")


def reach(page, condition, what):
    for _ in range(120):
        page.driver.key("Tab")
        if page.driver.js(f"return Boolean({condition})"):
            return
    raise browser.Failed(f"Tab does not reach {what}")


def fits_a_phone(page):
    for scheme in ("light", "dark"):
        page.start(PHONE, scheme)
        page.through()
        fits(page, f"overview, {scheme}")
        page.picture(f"phone-{scheme}")
    page.driver.js("location.hash = arguments[0]", "site=" + WORST)
    page.driver.until("document.querySelector('#site')", "the site opens")
    page.through()
    fits(page, "site")
    page.picture("phone-site-dark")


def fits(page, what):
    wide = page.driver.js("return document.documentElement.scrollWidth")
    check(wide <= PHONE[0], f"{what}: {wide} pixels wide on a phone")
    legible(page, what + " on a phone")


def legible(page, what):
    found = page.driver.js(CONTRAST)
    check(found["seen"] > 30, f"{what}: only {found['seen']} texts")
    check(not found["poor"], f"{what}: {found['poor'][:5]}")


def is_legible_in_both_schemes(page):
    for scheme in ("light", "dark"):
        page.start(scheme=scheme)
        page.through()
        dark = page.driver.js("return getComputedStyle(document.body)"
                              ".backgroundColor.match(/\\d+/)[0] < 100")
        check(dark == (scheme == "dark"), f"{scheme} is not {scheme}")
        legible(page, scheme)
        page.driver.js("location.hash = arguments[0]", "site=" + WORST)
        page.driver.until("document.querySelector('#site')", "the site opens")
        page.through()
        legible(page, f"a site, {scheme}")
    page.picture("desktop-site-dark")
    page.start(scheme="dark")
    page.through()
    page.picture("desktop-dark")


def can_be_printed(page):
    page.start(scheme="dark")
    page.driver.media(scheme="dark", media="")  # the printer's own
    printed = base64.b64decode(page.driver.cdp(
        "Page.printToPDF", printBackground=False)["data"])
    check(printed.startswith(b"%PDF") and len(printed) > 20000,
          f"{len(printed)} bytes of paper")
    if PICTURES:
        with open(f"{PICTURES}/paper.pdf", "wb") as f:
            f.write(printed)
    page.driver.media(media="print")
    seen = page.driver.js("""
        return ["#findings li", "#sites tr[data-circuit]", "#circuits tr",
            "#by-pop tr", "#by-service tr", "#targets tr"].filter((s) =>
            ![...document.querySelectorAll(s)].some((n) =>
                n.checkVisibility({ contentVisibilityAuto: true })));""")
    check(not seen, f"not on paper: {seen}")
    legible(page, "paper")


def says_all_without_its_script(page):
    driver = page.driver
    driver.media()
    driver.size(*DESKTOP)
    driver.cdp("Emulation.setScriptExecutionDisabled", value=True)
    driver.open("/dev/null")
    driver.open(page.path)
    check(not driver.js("return document.documentElement.dataset.started"),
          "the script runs all the same")
    hidden = driver.js("""
        return ["#findings li", "#sites tr[data-site]", "#circuits tr",
            "#pairs tr[data-pair]", "#events tr[data-event]", "#by-pop tr",
            "#targets tr", "#periods tr"].filter((s) =>
            !document.querySelector(s));""")
    check(not hidden, f"not there without the script: {hidden}")
    check(driver.js("return document.querySelector('#map')"
                    ".checkVisibility()") is False, "an empty map is shown")
    legible(page, "without the script")
    page.picture("desktop-without-script")
    driver.cdp("Emulation.setScriptExecutionDisabled", value=False)


def of_real_stores(driver, folder):
    """Stores of ten branches, as their agents write them, to one file."""
    stores, out = f"{folder}/stores", f"{folder}/branches.html"
    os.mkdir(stores)
    subprocess.run([f"{TOOLS}/branches", stores, "24", "300"], check=True)
    subprocess.run(
        [AGENT, "report", "--format", "html", "--output", out]
        + [word for name in sorted(os.listdir(stores))
           if name.endswith(".db") for word in ("--store", f"{stores}/{name}")],
        check=True)
    driver.logged("performance")  # of other pages
    page = Page(driver, out)
    check(len(page.data["sites"]) == 10 and page.data["findings"],
          "branches or findings are missing")
    marks_are_strict(page)
    page.start()
    page.through()
    page.picture("branches")
    legible(page, "branches")
    asks_nobody(page)


def without_libraries(folder):
    """A build that has none says so, and what to do; other forms go on."""
    out = f"{folder}/none.html"
    store = f"{folder}/stores/branch-01.db"
    done = subprocess.run(
        [BARE, "report", "--store", store, "--format", "html", "-o", out],
        capture_output=True, text=True, check=False)
    check(done.returncode != 0 and "-Dhtml=disabled" in done.stderr,
          f"exit {done.returncode}: {done.stderr}")
    check(not os.path.exists(out) or not os.path.getsize(out),
          "something was written all the same")
    subprocess.run([BARE, "report", "--store", store],
                   stdout=subprocess.DEVNULL, check=True)


def of_a_model(driver, folder):
    path = f"{folder}/model.html"
    with open(path, "wb") as f:
        done = subprocess.run([f"{TOOLS}/model_page", "day"], stdout=f,
                              stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0 and "npm" in done.stderr:
        print(f"this build has no page: {done.stderr.strip()}")
        sys.exit(77)
    check(done.returncode == 0, f"model_page: {done.stderr}")
    page = Page(driver, path)
    for part in (marks_are_strict, overview_is_drawn, hover_tells_exact_values,
                 clicks_lead_to_a_target, tables_stand_behind_charts,
                 keyboard_reaches_the_same, fits_a_phone,
                 is_legible_in_both_schemes, can_be_printed, asks_nobody,
                 says_all_without_its_script):
        part(page)
        print(f"ok {part.__name__}", flush=True)


def main():
    if not browser.is_there():
        print("Chromium or chromedriver is not installed")
        sys.exit(77)
    folder = tempfile.mkdtemp()
    driver = None
    try:
        driver = browser.Browser(folder)
        of_a_model(driver, folder)
        of_real_stores(driver, folder)
        print("ok of_real_stores")
        without_libraries(folder)
        print("ok without_libraries")
    except browser.Failed as why:
        sys.exit(f"page: {why}")
    finally:
        if driver:
            driver.close()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
