// node node.mjs MODELS REQUESTS ANSWERS: runs cases in Node.

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

import * as ort from "onnxruntime-web";

import { runCases } from "./cases.mjs";

const [models, requests, answers] = process.argv.slice(2);
const cases = JSON.parse(await readFile(requests, "utf8"));
const found = await runCases(ort, cases, (file) => readFile(join(models, file)));
await writeFile(answers, JSON.stringify(found));
