import assert from "node:assert/strict";
import { test } from "node:test";

import { fade, inkOn, legible, schemeColor } from "./colors";

test("schemes begin and end with their colours, and turn round on a dark ground", () => {
  assert.equal(schemeColor("Oranges", 1, "light"), "rgb(166, 54, 3)");
  assert.equal(schemeColor("Oranges", Number.NaN, "light"), "rgb(255, 245, 235)");
  assert.equal(schemeColor("no such", 1, "light"), schemeColor("Oranges", 1, "light"));
  assert.equal(schemeColor("Oranges", 0, "dark"), "rgb(35, 40, 46)");
  assert.equal(schemeColor("viridis", 0, "dark"), "rgb(68, 1, 84)");
});

test("ink is read on its ground, and opacity is put on any colour", () => {
  assert.equal(inkOn("#ffffff"), "#14171a");
  assert.equal(inkOn("#56a64b"), "#14171a");
  assert.equal(inkOn("#1F60C4"), "#ffffff");
  assert.equal(fade("#fff", 0.25), "rgba(255, 255, 255, 0.25)");
});

test("text in a colour can be read on a card of either scheme", () => {
  assert.equal(legible("#C4162A", "light"), "#C4162A");
  assert.equal(legible("#FADE2A", "light"), "rgb(125, 111, 21)");
  assert.equal(legible("#73BF69", "dark"), "#73BF69");
  assert.notEqual(legible("#0A437C", "dark"), "#0A437C");
});
