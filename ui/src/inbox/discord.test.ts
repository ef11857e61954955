import assert from "node:assert/strict";
import { test } from "node:test";

import { message, spans } from "./discord";

test("Discord's marks become styles, everything else stays text", () => {
  assert.deepEqual(spans("**R2** is `0.5` <script>\n\\*x\\*"), [{ text: "R2", style: "bold" }, { text: " is " }, { text: "0.5", style: "code" }, { text: " <script>\n*x*" }]);
  assert.deepEqual(spans("**open"), [{ text: "**open" }]);
  assert.deepEqual(spans("**a\\_b**"), [{ text: "a_b", style: "bold" }]);
});

test("only links that run nothing are links", () => {
  assert.deepEqual(spans("[run](https://x/y) http://z"), [{ text: "run", link: "https://x/y" }, { text: " " }, { text: "http://z", link: "http://z/" }]);
  assert.deepEqual(spans("[x](javascript:alert(1))"), [{ text: "[x](javascript:alert(1))" }]);
});

test("a body of any shape is a message", () => {
  for (const body of [null, 1, "x", [], { embeds: 5 }, { content: {} }]) assert.equal(message(body).other, true);
  const read = message({ username: "b", embeds: [{ title: "t", color: 16711680, fields: [{ name: "n", value: "v", inline: true }, 7] }] });
  assert.equal(read.embeds[0]?.color, "#ff0000");
  assert.deepEqual(read.embeds[0]?.fields[0], { name: "n", value: "v", inline: true });
  assert.deepEqual(read.embeds[0]?.fields[1], { name: "", value: "", inline: false });
});
