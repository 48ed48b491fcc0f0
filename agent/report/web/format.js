/* Numbers, times and words for people. Pure. What is not known is a dash. */

const DASH = "–";
const MINUS = "−";

function isNumber(x) {
  return typeof x === "number" && Number.isFinite(x);
}

// Three significant digits, no more than anybody compares by eye.
function digits(x) {
  const size = Math.abs(x);
  return size >= 99.95 ? 0 : size >= 9.995 ? 1 : 2;
}

const numberFormats = [0, 1, 2].map((places) => new Intl.NumberFormat("en-US",
  { minimumFractionDigits: places, maximumFractionDigits: places }));

// With up to two decimal places.
function number(x, places) {
  return isNumber(x) ? numberFormats[places].format(x) : DASH;
}

function msNumber(x) {
  return isNumber(x) ? number(x, digits(x)) : DASH;
}

function ms(x) {
  return isNumber(x) ? msNumber(x) + " ms" : DASH;
}

function count(x) {
  return number(x, 0);
}

function percentNumber(x) {
  if (!isNumber(x)) {
    return DASH;
  }
  if (x === 0 || x === 100) {
    return String(x);
  }
  if (x > 0 && x < 0.01) {
    return "<0.01";
  }
  // 99.996 is not 100.
  const places = x > 99.9 || x < 1 ? 2 : 1;
  const least = Math.pow(10, -places);
  return number(x < 100 ? Math.min(x, 100 - least) : x, places);
}

function percent(x) {
  return isNumber(x) ? percentNumber(x) + " %" : DASH;
}

function km(x) {
  return isNumber(x) ? number(x, 0) + " km" : DASH;
}

// How long, in the two coarsest units that say something.
function duration(seconds) {
  if (!isNumber(seconds)) {
    return DASH;
  }
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) {
    return s + " s";
  }
  const m = Math.round(s / 60);
  if (m < 60) {
    return m + " min";
  }
  if (m < 24 * 60) {
    return Math.floor(m / 60) + " h" + (m % 60 ? " " + m % 60 + " min" : "");
  }
  const h = Math.round(m / 60);
  return Math.floor(h / 24) + " d" + (h % 24 ? " " + h % 24 + " h" : "");
}

// A change of milliseconds, of which less is better. Nothing to speak of: less
// than one, or than a twentieth of what it was; as in the tables.
function changeOf(now, before) {
  if (!isNumber(now) || !isNumber(before)) {
    return { value: null, text: DASH, kind: "" };
  }
  const value = now - before;
  const size = msNumber(Math.abs(value));
  if (Math.abs(value) < 1 || Math.abs(value) < 0.05 * before) {
    const sign = value > 0 ? "+" : value < 0 ? MINUS : "";
    return { value, text: sign + size, kind: "" };
  }
  return value > 0 ? { value, text: "▲ +" + size, kind: "worse" }
    : { value, text: "▼ " + MINUS + size, kind: "better" };
}

const clocks = new Map();
function clock(zone, options) {
  const key = zone + JSON.stringify(options);
  if (!clocks.has(key)) {
    clocks.set(key, new Intl.DateTimeFormat("en-GB",
      Object.assign({ timeZone: zone, hourCycle: "h23" }, options)));
  }
  return clocks.get(key);
}

function localZone() {
  return Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
}

const FULL = { weekday: "short", day: "numeric", month: "short",
  hour: "2-digit", minute: "2-digit" };
const TIME = { hour: "2-digit", minute: "2-digit" };
const WITH_ZONE = Object.assign({ timeZoneName: "short" }, FULL);

function offsetMatters(time, zone) {
  const date = new Date(time * 1000);
  return clock(zone, FULL).format(date) !== clock("UTC", FULL).format(date);
}

// "Fri, 21 Nov, 14:05 CET (13:05 UTC)": both, unless they are the same.
function bothTimes(time, zone = localZone()) {
  if (!isNumber(time)) {
    return DASH;
  }
  const date = new Date(time * 1000);
  if (!offsetMatters(time, zone)) {
    return clock("UTC", FULL).format(date) + " UTC";
  }
  return clock(zone, WITH_ZONE).format(date) + " (" +
    clock("UTC", TIME).format(date) + " UTC)";
}

// A word of the data as people write it.
const WORDS = {
  primary: "primary", backup: "backup", neither: "neither",
  unregistered: "not registered", unknown_pop: "unknown PoP",
  tcp: "TCP", https: "HTTPS", icmp: "ICMP", stun: "STUN",
  "https kept": "HTTPS, kept", dns: "DNS", connect: "Connect", tls: "TLS",
  first_byte: "First byte", total: "Total", srtt: "SRTT",
};
function word(text) {
  return Object.hasOwn(WORDS, text) ? WORDS[text]
    : String(text || "").replaceAll("_", " ");
}

// "NL" as people say it.
function countryName(code) {
  if (!/^[A-Z]{2}$/.test(code || "")) {
    return code || "";
  }
  return new Intl.DisplayNames("en", { type: "region",
    fallback: "code" }).of(code);
}

function popName(data, code) {
  const pop = data.popOf.get(code);
  return !code ? "other" : pop && pop.city ? `${code} (${pop.city})` : code;
}
