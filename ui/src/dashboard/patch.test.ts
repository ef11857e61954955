import assert from "node:assert/strict";
import { test } from "node:test";

import { NoSuchPlace, replaceAt } from "./patch";

const FILE = '{\n\t"title": "a \\"quoted\\" { title",\r\n  "panels" : [ {"id":1}, [1, {"x":[]}] , {"targets":[{"expr" :"up{job=\\"a\\"}" ,"refId":"A"}], "expr": 1e3}]\n}\n';

test("only the bytes of the value change", () => {
  const out = replaceAt(FILE, ["panels", 2, "targets", 0, "expr"], 'rate(x{a="b"}[5m])');
  assert.equal(out, FILE.replace('"up{job=\\"a\\"}"', '"rate(x{a=\\"b\\"}[5m])"'));
  assert.equal(JSON.parse(out).panels[2].targets[0].expr, 'rate(x{a="b"}[5m])');
  assert.equal(replaceAt(FILE, ["panels", 2, "expr"], "n"), FILE.replace("1e3", '"n"'));
  assert.equal(replaceAt(FILE, ["panels", 1], null), FILE.replace('[1, {"x":[]}]', "null"));
});

test("a key twice: the last one holds, as for whoever reads the file", () => {
  assert.equal(replaceAt('{"a":1,"a":2}', ["a"], 3), '{"a":1,"a":3}');
  assert.equal(replaceAt('{"\\u0061":1}', ["a"], 3), '{"\\u0061":3}');
});

test("a way that is not there is an error that names it", () => {
  assert.throws(() => replaceAt(FILE, ["panels", 7, "expr"], ""), (error) => error instanceof NoSuchPlace && /panels\.7 is not in the file/.test(error.message));
  assert.throws(() => replaceAt("[]", [0], ""), NoSuchPlace);
  assert.throws(() => replaceAt('{"a": "b', ["a"], ""), NoSuchPlace);
});
