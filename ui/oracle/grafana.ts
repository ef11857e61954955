/**
 * show: loads `@grafana/data` outside of a browser. Its types are not used: the comparison is by what comes out.
 */
import { createRequire } from "node:module";

const require = createRequire(process.env.BELLBUOY_ORACLE ?? import.meta.url);
const { JSDOM } = require("jsdom") as { JSDOM: new (html: string, options: object) => { window: Record<string, unknown> } };
const { window } = new JSDOM("<!doctype html><body></body>", { url: "http://localhost/" });
const browser: Record<string, unknown> = { window, navigator: window.navigator };
for (const name of ["document", "localStorage", "sessionStorage", "HTMLElement", "Element", "Node", "DOMParser", "getComputedStyle"]) browser[name] = window[name];
browser.matchMedia = window.matchMedia = () => ({ matches: false, addEventListener() {}, removeEventListener() {}, addListener() {}, removeListener() {} });
browser.ResizeObserver = window.ResizeObserver = class {
  observe() {}
  unobserve() {}
  disconnect() {}
};
for (const [name, value] of Object.entries(browser)) Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });

// It tells the console of names that it does not find; that is not what is compared.
console.warn = () => {};

// eslint-disable-next-line @typescript-eslint/no-explicit-any
export const grafana = require("@grafana/data") as any;
export const rxjs = require("rxjs") as { of: (value: unknown) => { pipe: (...steps: unknown[]) => { subscribe: (next: (value: never) => void) => void } } };
export const version = (require("@grafana/data/package.json") as { version: string }).version;
