// node chromium.mjs CHROMIUM MODELS REQUESTS ANSWERS: runs cases in Chromium.

import { readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { chromium } from "playwright-core";

const START_MS = 60_000;
const TOTAL_MS = 120_000;
const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
const TYPES = { ".mjs": "text/javascript", ".wasm": "application/wasm" };
const ORT = [
  "ort.wasm.min.mjs",
  "ort-wasm-simd-threaded.mjs",
  "ort-wasm-simd-threaded.wasm",
];

// Serves the named files, and an empty page, to this machine alone.
async function serve(files) {
  const server = createServer(async ({ url }, response) => {
    const type = TYPES[extname(url)] ?? "application/octet-stream";
    if (url === "/") {
      response.setHeader("Content-Type", "text/html");
      response.end("<!doctype html><title>keras-vae</title>");
    } else if (files.has(url)) {
      response.setHeader("Content-Type", type);
      response.end(await readFile(files.get(url)));
    } else {
      response.writeHead(404).end();
    }
  });
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  return server;
}

// Runs in the page, where cases and answers travel as text.
async function runInPage(requests) {
  const ort = await import("/ort.wasm.min.mjs");
  const { runCases } = await import("/cases.mjs");
  const read = async (file) => {
    const response = await fetch(`/${file}`);
    return new Uint8Array(await response.arrayBuffer());
  };
  return JSON.stringify(await runCases(ort, JSON.parse(requests), read));
}

const [executablePath, models, requestsPath, answersPath] =
  process.argv.slice(2);
const requests = await readFile(requestsPath, "utf8");
const here = fileURLToPath(new URL(".", import.meta.url));
const dist = join(here, "node_modules", "onnxruntime-web", "dist");
const server = await serve(
  new Map([
    ["/cases.mjs", join(here, "cases.mjs")],
    ...ORT.map((file) => [`/${file}`, join(dist, file)]),
    ...JSON.parse(requests).map(({ file }) => [`/${file}`, join(models, file)]),
  ]),
);
// On exit playwright-core ends the browser.
const deadline = setTimeout(() => {
  console.error(`Chromium took longer than ${TOTAL_MS / 1000} s.`);
  process.exit(1);
}, TOTAL_MS);
const browser = await chromium.launch({
  executablePath,
  args: FLAGS,
  timeout: START_MS,
});
try {
  const page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${server.address().port}/`);
  await writeFile(answersPath, await page.evaluate(runInPage, requests));
} finally {
  await browser.close();
  server.close();
  clearTimeout(deadline);
}
