/**
 * show: how the pages are built. Hashed file names, relative addresses (index.html names its base, see crates/pages), each file also packed
 * by gzip and brotli so that the program never compresses at run time.
 */
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";

import { defineConfig, type Plugin } from "vite";

/** Where a running bellbuoy is, for `npm run dev`. */
const server = process.env.BELLBUOY_URL ?? "http://127.0.0.1:9090";

export default defineConfig({
  base: "./",
  build: { target: "es2022", assetsInlineLimit: 0, chunkSizeWarningLimit: 600, modulePreload: { polyfill: false } },
  server: {
    proxy: Object.fromEntries(["/api", "/metrics", "/-/", "/inbox"].map((path) => [path, { target: server, changeOrigin: true }])),
  },
  plugins: [packed()],
});

function packed(): Plugin {
  let dir = "";
  return {
    name: "packed",
    apply: "build",
    configResolved: (config) => void (dir = join(config.root, config.build.outDir)),
    writeBundle(options) {
      dir = options.dir ?? dir;
    },
    closeBundle() {
      for (const name of readdirSync(dir, { recursive: true, encoding: "utf8" })) {
        if (!/\.(js|css|html|svg)$/.test(name)) continue;
        const bytes = readFileSync(join(dir, name));
        writeFileSync(join(dir, `${name}.gz`), gzipSync(bytes, { level: 9 }));
        writeFileSync(join(dir, `${name}.br`), brotliCompressSync(bytes));
      }
    },
  };
}
