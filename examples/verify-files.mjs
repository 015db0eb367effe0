#!/usr/bin/env node
// Downloads every file of a release as two users and compares it with a local folder.
//
//   USER_A_TOKEN=... USER_B_TOKEN=... node verify-files.mjs SERVER SLUG VERSION FOLDER
//
// Prints one line; exit status 1 when a file is missing, too many, or differs for anyone.

import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join, relative, sep } from "node:path";

const PARALLEL = 8;
const TIMEOUT_MS = 60_000;
const PAGE = 1000;
const SHOWN_DIFFERENCES = 20;

const [server, slug, version, folder] = process.argv.slice(2);
const tokens = [process.env.USER_A_TOKEN, process.env.USER_B_TOKEN];
if (!folder || tokens.some((token) => !token)) {
  console.error("usage: USER_A_TOKEN=... USER_B_TOKEN=... verify-files.mjs SERVER SLUG VERSION FOLDER");
  process.exit(2);
}
const api = `${server.replace(/\/$/, "")}/api/v1`;

const expected = await hashFolder(folder);
const differences = await compareListing(expected);
const counts = [];
for (const [index, token] of tokens.entries()) {
  counts.push(await compareDownloads(expected, token, `user ${"AB"[index]}`));
}

const bytes = [...expected.values()].reduce((sum, file) => sum + file.size, 0);
const verdict = differences.length === 0 ? "identical" : `${differences.length} DIFFERENCES`;
console.log(
  `${slug} ${version}: ${expected.size} files, ${bytes} bytes; downloaded ${counts.join(" + ")} for two users: ${verdict}`,
);
for (const difference of differences.slice(0, SHOWN_DIFFERENCES)) {
  console.error(`  ${difference}`);
}
process.exitCode = differences.length === 0 ? 0 : 1;

/** Path to size and integrity of each file below `root`. */
async function hashFolder(root) {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  const files = new Map();
  for (const entry of entries.filter((entry) => entry.isFile())) {
    const path = join(entry.parentPath ?? entry.path, entry.name);
    const content = await readFile(path);
    files.set(relative(root, path).split(sep).join("/"), { size: content.length, integrity: integrity(content) });
  }
  return files;
}

function integrity(content) {
  return `sha384-${createHash("sha384").update(content).digest("base64")}`;
}

/** Differences between the folder and the release's own list of files. */
async function compareListing(expected) {
  const found = [];
  const listed = new Map();
  let cursor = null;
  do {
    const query = new URLSearchParams({ limit: PAGE, ...(cursor && { cursor }) });
    const page = await (await get(`/releases/${slug}/${version}/files?${query}`, tokens[0])).json();
    for (const file of page.items) {
      listed.set(file.path, file);
    }
    cursor = page.next_cursor;
  } while (cursor);

  for (const [path, { integrity }] of expected) {
    if (listed.get(path)?.integrity !== integrity) {
      found.push(`${path}: listed with ${listed.get(path)?.integrity ?? "nothing"}`);
    }
  }
  for (const path of listed.keys()) {
    if (!expected.has(path)) {
      found.push(`${path}: listed, but not in the package`);
    }
  }
  return found;
}

/** Downloads every file with one user's token, notes what differs, and counts what is the same. */
async function compareDownloads(expected, token, who) {
  let same = 0;
  const waiting = [...expected.keys()];
  const work = async () => {
    for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
      const fault = await downloadFault(path, expected.get(path), token);
      if (fault) {
        differences.push(`${path} for ${who}: ${fault}`);
      } else {
        same += 1;
      }
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, work));
  return same;
}

async function downloadFault(path, expected, token) {
  const address = path.split("/").map(encodeURIComponent).join("/");
  try {
    const answer = await get(`/plugins/${slug}/${address}`, token);
    const content = Buffer.from(await answer.arrayBuffer());
    return integrity(content) === expected.integrity ? null : `${content.length} bytes instead of ${expected.size}, or others`;
  } catch (error) {
    return error.message;
  }
}

async function get(path, token) {
  const answer = await fetch(api + path, {
    headers: { authorization: `Bearer ${token}`, "accept-encoding": "identity" },
    redirect: "error",
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  if (!answer.ok) {
    await answer.body?.cancel();
    throw new Error(`GET ${path} answered ${answer.status}`);
  }
  return answer;
}
