import assert from "node:assert/strict";
import { test } from "node:test";

import { cssColor, fade, inkOn, paletteColor, rampColor, schemeColor } from "./colors";

test("names have a value in both schemes, and the steps of a hue go the other way in the light one", () => {
  assert.equal(cssColor("green", true), "#73BF69");
  assert.equal(cssColor("green", false), "#56A64B");
  assert.equal(cssColor("semi-dark-orange", true), cssColor("orange", false));
  assert.equal(cssColor("super-light-blue", true), "#C0D8FF");
  assert.equal(cssColor("dark-red", false), "#FF7383");
});

test("what a file says is a colour or grey, never anything else", () => {
  assert.equal(cssColor("#abc"), "#abc");
  assert.equal(cssColor("rgba(1, 2, 3, 0.5)"), "rgba(1, 2, 3, 0.5)");
  assert.equal(cssColor("red; background: url(//x)"), "#808080");
  assert.equal(cssColor("url(//x)"), "#808080");
  assert.equal(cssColor(undefined), "#808080");
});

test("ramps begin and end with their colours", () => {
  assert.equal(rampColor("continuous-GrYlRd", 0, true), "rgb(115, 191, 105)");
  assert.equal(rampColor("continuous-GrYlRd", 1, true), "rgb(242, 73, 92)");
  assert.equal(schemeColor("Oranges", 1), "rgb(166, 54, 3)");
  assert.equal(schemeColor("Oranges", Number.NaN), "rgb(255, 245, 235)");
});

test("ink is read on its ground, and palettes go round", () => {
  assert.equal(inkOn("#ffffff"), "#1f2328");
  assert.equal(inkOn("#1F60C4"), "#ffffff");
  assert.equal(paletteColor(0, true), "#73BF69");
  assert.equal(paletteColor(48, true), paletteColor(0, true));
  assert.equal(fade("#fff", 0.25), "rgba(255, 255, 255, 0.25)");
});
