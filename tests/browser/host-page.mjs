// The sample host page in a real browser, on another origin than the server. Prints the page's origin, reads one line of
// JSON from standard input, `{"server", "password"}` (the administrator's), then tries everything; ends with status 0 or tells what failed.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, createReadStream, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { createInterface } from "node:readline/promises";
import { chromium } from "playwright-core";

const examples = new URL("../../examples/", import.meta.url).pathname;
const PASSWORD = "a password of theirs";

const work = mkdtempSync(join(tmpdir(), "plugyard-browser-"));
const page = await servePage();
console.log(`http://127.0.0.1:${page.address().port}`);
const { server, password } = JSON.parse(await nextLine());
const origin = `http://127.0.0.1:${page.address().port}`;
let browser;
try {
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox"] });
  await run();
} finally {
  await browser?.close();
  page.close();
  process.stdin.destroy(); // or else this would wait for more lines
  rmSync(work, { recursive: true });
}

async function run() {
  const admin = await logIn("admin", password);
  for (const name of ["ann", "ben"]) await admin("POST", "/api/v1/users", { username: name, password: PASSWORD });
  for (const version of ["1.0.0", "1.1.0"]) {
    await publish(admin, federated(version));
    await publish(admin, esm(version));
  }
  const [ann, ben] = [await logIn("ann", PASSWORD), await logIn("ben", PASSWORD)];
  for (const slug of ["HelloFederated", "HelloPlugin"]) {
    await ann("POST", `/api/v1/plugins/${slug}/install`, { version: "1.0.0" });
    await ben("POST", `/api/v1/plugins/${slug}/install`, { version: "1.1.0", config: { name: "Ben" } });
  }

  // Who cannot log in reads why.
  const [annsPage, bensPage] = [await open(), await open()];
  await enter(annsPage, "ann", "wrong password");
  await annsPage.getByText("Invalid email or password").waitFor();

  // Both users, each with the own version and config; Module Federation by <script>, ESM through the import map.
  await enter(annsPage, "ann", PASSWORD);
  await enter(bensPage, "ben", PASSWORD);
  await reads(annsPage, "HelloFederated/greeting", "Hello, world, from version 1.0.0!");
  await reads(bensPage, "HelloFederated/greeting", "Hello, Ben, from version 1.1.0!");
  await reads(annsPage, "HelloPlugin/greeting", "Hello, world!");
  await reads(bensPage, "HelloPlugin/greeting", "Hello, Ben (1.1.0)!");
  await annsPage.locator(`[data-module="HelloPlugin/clock"]`).getByText(/\d\d:\d\d/).waitFor(); // a chunk of the ESM plugin
  await tell(bensPage, "These words came in a chunk of version 1.1.0.");

  // An update while the page is open: what it loads from now on still belongs to the version that it began with.
  await ann("POST", "/api/v1/plugins/HelloFederated/update", { version: "1.1.0" });
  await ann("POST", "/api/v1/plugins/HelloPlugin/update", { version: "1.1.0" });
  await tell(annsPage, "These words came in a chunk of version 1.0.0.");
  await annsPage.reload(); // an ordinary one
  await reads(annsPage, "HelloFederated/greeting", "Hello, world, from version 1.1.0!");
  await reads(annsPage, "HelloPlugin/greeting", "Hello, world (1.1.0)!");
  await tell(annsPage, "These words came in a chunk of version 1.1.0.");

  // Switched off for one user: gone for this one, still there for the other.
  await ann("PATCH", "/api/v1/plugins/HelloFederated", { enabled: false });
  await annsPage.reload();
  await reads(annsPage, "HelloPlugin/greeting", "Hello, world (1.1.0)!");
  assert.equal(await annsPage.locator(`[data-module="HelloFederated/greeting"]`).count(), 0);
  await bensPage.reload();
  await reads(bensPage, "HelloFederated/greeting", "Hello, Ben, from version 1.1.0!");

  // The browser itself refuses a bundle that is not the one of the manifest.
  await bensPage.route("**/remoteEntry.js", (route) => route.fulfill({
    body: "hello_federated = { init() {}, get: () => () => ({ mount: (e) => e.append('forged') }) };",
    headers: { "access-control-allow-origin": "*", "content-type": "text/javascript" },
  }));
  await bensPage.reload();
  await bensPage.locator(`[data-module="HelloFederated/greeting"] [role="alert"]`).waitFor();
  await reads(bensPage, "HelloPlugin/greeting", "Hello, Ben (1.1.0)!");

  await annsPage.getByRole("button", { name: "Log out" }).click();
  await annsPage.getByLabel("Password").waitFor();
}

/** A request as JSON, with the token of a login. */
async function logIn(email, password) {
  const { access_token } = await send({}, "POST", "/api/v1/auth/login", { email, password });
  return (method, path, body) => send({ authorization: `Bearer ${access_token}` }, method, path, body);
}

async function send(headers, method, path, body) {
  const binary = body instanceof Uint8Array;
  const answer = await fetch(new URL(path, server), {
    method,
    headers: { ...headers, ...(!binary && { "content-type": "application/json" }) },
    body: binary ? body : JSON.stringify(body),
  });
  const text = await answer.text();
  assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${text}`);
  return JSON.parse(text);
}

async function publish(admin, folder) {
  execFileSync("tar", ["-czf", `${folder}.tar.gz`, "-C", folder, "plugin.json", "dist", ...(folder.includes("esm") ? ["icon.svg"] : [])]);
  await admin("POST", "/api/v1/releases", readFileSync(`${folder}.tar.gz`));
}

/** The Module Federation sample, built by webpack under this version. */
function federated(version) {
  const folder = copy("hello-federated", version);
  symlinkSync(join(examples, "hello-federated/node_modules"), join(folder, "node_modules"));
  execFileSync(join(folder, "node_modules/.bin/webpack"), { cwd: folder });
  return folder;
}

/** The JavaScript module sample; later versions tell theirs. */
function esm(version) {
  const folder = copy("hello-esm", version);
  if (version !== "1.0.0") edit(join(folder, "dist/index.js"), "${config.name}!", `\${config.name} (${version})!`);
  return folder;
}

function copy(example, version) {
  const folder = join(work, `${example}-${version}`);
  cpSync(join(examples, example), folder, { recursive: true, filter: (path) => !path.includes("node_modules") });
  edit(join(folder, "plugin.json"), `"version": "1.0.0"`, `"version": "${version}"`);
  return folder;
}

function edit(file, from, to) {
  const text = readFileSync(file, "utf8");
  assert.ok(text.includes(from), `${file} has no ${from}`);
  writeFileSync(file, text.replace(from, to));
}

/** The page in a browser profile of its own; whatever it complains of is printed. */
async function open() {
  const context = await browser.newContext();
  const tab = await context.newPage();
  tab.on("console", (message) => message.type() === "error" && console.error(`console: ${message.text()}`));
  tab.on("pageerror", (error) => console.error(`page: ${error}`));
  await tab.goto(`${origin}/?server=${encodeURIComponent(server)}`);
  return tab;
}

async function enter(tab, name, password) {
  await tab.getByLabel("Name").fill(name);
  await tab.getByLabel("Password").fill(password);
  await tab.getByRole("button", { name: "Log in" }).click();
}

async function reads(tab, module, text) {
  await tab.locator(`[data-module="${module}"]`).getByText(text, { exact: true }).waitFor();
}

async function tell(tab, text) {
  await tab.getByRole("button", { name: "More" }).click();
  await reads(tab, "HelloFederated/greeting", text);
}

function servePage() {
  const types = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css" };
  const files = createServer((request, answer) => {
    const name = request.url.split("?")[0].slice(1) || "index.html";
    if (!/^[a-z]+\.(html|js|css)$/.test(name)) return answer.writeHead(404).end();
    const file = createReadStream(join(examples, "host-page", name));
    file.on("error", () => answer.writeHead(404).end());
    file.on("open", () => file.pipe(answer.writeHead(200, { "content-type": types[extname(name)] })));
  });
  return new Promise((resolve) => files.listen(0, "127.0.0.1", () => resolve(files)));
}

async function nextLine() {
  for await (const line of createInterface({ input: process.stdin })) return line;
}
