import assert from "node:assert/strict";
import { test } from "node:test";

import { encoded, match } from "./match";
import type { Route } from "./routes";

const routes = ["", "alerts", "alerts/:name", "files/*"].map((path) => ({ path }) as Route);

test("a path finds its route and its parts", () => {
  const found = (path: string) => {
    const hit = match(path, routes);
    return hit && [hit.route.path, hit.params];
  };
  assert.deepEqual(found(""), ["", {}]);
  assert.deepEqual(found("alerts/"), ["alerts", {}]);
  assert.deepEqual(found("alerts/Drift High"), ["alerts/:name", { name: "Drift High" }]);
  assert.deepEqual(found("alerts/a%2Fb%25"), ["alerts/:name", { name: "a/b%" }]);
  assert.deepEqual(found("alerts/100%"), ["alerts/:name", { name: "100%" }]);
  assert.deepEqual(found("files/a/b"), ["files/*", { rest: "a/b" }]);
  assert.equal(found("alerts/a/b"), undefined);
  assert.equal(found("nowhere"), undefined);
});

test("any name is a part of an address and comes back: a browser would take `..` for the folder above", () => {
  for (const name of ["..", ".", "...", "~", "~..", "~~.", "~home", "a/../b", "a?b#c", "100%", "%2e%2e", "é\u202e <b>", " "]) {
    const url = new URL(`http://host/ui/alerts/${encoded(name)}?q`);
    assert.equal(url.search, "?q");
    assert.deepEqual(match(url.pathname.slice("/ui/".length), routes)?.params, { name }, name);
  }
});
