"use strict";
/* The colours of base.css, in both schemes: enough contrast, and scales whose
 * steps differ in lightness, for any colour vision. */

const assert = require("node:assert/strict");

function block(css, selector) {
  const at = css.indexOf(selector + " {");
  assert.ok(at >= 0, "no " + selector);
  const body = css.slice(at, css.indexOf("}", at));
  return Object.fromEntries([...body.matchAll(/--([\w-]+):\s*(#\w{6})/g)]
    .map((m) => [m[1], m[2]]));
}

function luminance(hex) {
  const [r, g, b] = [1, 3, 5].map((i) => {
    const c = parseInt(hex.slice(i, i + 2), 16) / 255;
    return c <= 0.04045 ? c / 12.92 : Math.pow((c + 0.055) / 1.055, 2.4);
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a, b) {
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
}

const lightness = (hex) => 116 * Math.cbrt(luminance(hex)) - 16;

const TEXT = ["ink", "dim", "link", "good", "fair", "poor", "bad", "warn",
  "better", "worse"];
const MARKS = ["mark", "focus", "median", "line-1", "line-2", "line-3",
  "line-4", "line-5", "loss-1", "loss-2", "loss-3", "loss-4", "loss-5"];
const ON_MAP = ["good", "fair", "poor", "pop", "link-line", "astray"];

// What is wrong with these style sheets, as texts.
module.exports = (css, scripts) => {
  const schemes = { light: block(css, ":root"),
    dark: block(css, ':root[data-theme="dark"]') };
  const wrong = [];
  const need = (scheme, a, b, least) => {
    const c = contrast(schemes[scheme][a], schemes[scheme][b]);
    if (!(c >= least)) {
      wrong.push(`${scheme}: ${a} on ${b} has ${c.toFixed(2)}, not ${least}`);
    }
  };
  for (const [scheme, colours] of Object.entries(schemes)) {
    for (const text of TEXT) {
      need(scheme, text, "paper", 4.5);
      need(scheme, text, "panel", 4.5);
    }
    for (const at of Object.keys(colours).filter((k) => k.startsWith("at-"))) {
      need(scheme, "ink", at, 4.5);
    }
    need(scheme, "ink", "land", 4.5);
    MARKS.forEach((mark) => need(scheme, mark, "paper", 3));
    ON_MAP.forEach((mark) => need(scheme, mark, "land", 3));
    for (const [scale, steps] of [["heat", 7], ["loss", 5]]) {
      const sign = scheme === "light" ? -1 : 1;
      for (let i = 2; i <= steps; i++) {
        const step = sign * (lightness(colours[`${scale}-${i}`]) -
          lightness(colours[`${scale}-${i - 1}`]));
        if (!(step >= 5)) {
          wrong.push(`${scheme}: ${scale}-${i} is ${step.toFixed(1)} from ` +
            "the step before");
        }
      }
    }
  }
  const used = [...css.matchAll(/var\(--([\w-]+)\)/g),
    ...scripts.matchAll(/tone\("([\w-]+)"\)/g)].map((m) => m[1]);
  for (const name of new Set(used)) {
    for (const scheme of ["light", "dark"]) {
      if (!schemes[scheme][name]) {
        wrong.push(`${scheme}: there is no colour ${name}`);
      }
    }
  }
  return wrong;
};
