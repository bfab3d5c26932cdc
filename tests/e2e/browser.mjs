// Opens a page in headless Chromium and says as JSON what happened, for each width and colour scheme:
//   node browser.mjs CHROMIUM PAGE AXE PROFILE [SCREENSHOTS]
import { spawn } from "node:child_process";
import { readFileSync, existsSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { setTimeout as pause } from "node:timers/promises";

const [chromium, page, axe, profile, screenshots] = process.argv.slice(2);
const VIEWS = [360, 1200].flatMap((width) => ["light", "dark"].map((scheme) => ({ width, scheme })));

const requests = [];
const server = createServer((request, response) => {
  requests.push(request.url);
  response.setHeader("content-type", "text/html").end(readFileSync(page));
}).listen(0, "127.0.0.1");
await new Promise((ready) => server.once("listening", ready));
const address = `http://127.0.0.1:${server.address().port}/`;

const flags = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
  "--disable-dev-shm-usage", "--remote-debugging-port=0", `--user-data-dir=${profile}`, "about:blank"];
const browser = spawn(chromium, flags, { stdio: "ignore" });
const portFile = `${profile}/DevToolsActivePort`;
for (let tries = 0; !existsSync(portFile) && tries < 300; tries++) await pause(50);
await pause(50);
const port = readFileSync(portFile, "utf8").split("\n")[0];
const targets = await (await fetch(`http://127.0.0.1:${port}/json/list`)).json();
const socket = new WebSocket(targets.find((each) => each.type === "page").webSocketDebuggerUrl);
await new Promise((open) => socket.addEventListener("open", open));

let last = 0;
const waiting = new Map();
const heard = [];
socket.addEventListener("message", ({ data }) => {
  const message = JSON.parse(data);
  if (message.id) waiting.get(message.id)(message);
  else heard.push(message);
});
async function call(method, params = {}) {
  const id = ++last;
  socket.send(JSON.stringify({ id, method, params }));
  const answer = await new Promise((done) => waiting.set(id, done));
  if (answer.error) throw new Error(`${method}: ${answer.error.message}`);
  return answer.result;
}
async function value(expression) {
  const { result, exceptionDetails } = await call("Runtime.evaluate",
    { expression, awaitPromise: true, returnByValue: true });
  if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
  return result.value;
}
async function key(name, code) {
  for (const type of ["keyDown", "keyUp"])
    await call("Input.dispatchKeyEvent", { type, key: name, code: name, windowsVirtualKeyCode: code });
}

for (const domain of ["Page", "Runtime", "Log", "Network"]) await call(`${domain}.enable`);
const views = [];
for (const { width, scheme } of VIEWS) {
  heard.length = requests.length = 0;
  await call("Emulation.setDeviceMetricsOverride", { width, height: 800, deviceScaleFactor: 1, mobile: width < 600 });
  await call("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value: scheme }] });
  await call("Page.navigate", { url: address });
  for (let tries = 0; !heard.some((each) => each.method === "Page.loadEventFired") && tries < 200; tries++) await pause(20);
  const widest = await value("document.documentElement.scrollWidth");
  const background = await value("getComputedStyle(document.body).backgroundColor");
  if (screenshots) {
    const { data } = await call("Page.captureScreenshot", { captureBeyondViewport: true });
    writeFileSync(`${screenshots}/${width}-${scheme}.png`, Buffer.from(data, "base64"));
  }
  await key("Tab", 9);
  const first = await value("document.activeElement.textContent");
  const sent = heard.filter((each) => each.method === "Network.requestWillBeSent");
  await value("document.querySelectorAll('details').forEach((each, number) => { each.open = number < 2 })");
  const widestOpen = await value("document.documentElement.scrollWidth");
  // Colours are by scheme and layout is by width: two of the four views have it all.
  const look = (width < 600) === (scheme === "light");
  if (look) await value(readFileSync(axe, "utf8"));
  const found = look && await value(`axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"] })
    .then(({ violations, passes }) => ({
      violations: violations.flatMap((rule) => rule.nodes.map((node) => rule.id + ": " + node.html)),
      passes: passes.map((rule) => rule.id) }))`);
  const errors = heard
    .filter(({ method, params }) => method === "Runtime.exceptionThrown" || method === "Log.entryAdded"
      || (method === "Runtime.consoleAPICalled" && params.type === "error"))
    .map(({ params }) => params.entry?.text ?? params.exceptionDetails?.text ?? JSON.stringify(params.args));
  views.push({ width, scheme, widest, widestOpen, background, first, errors, ...found, served: [...requests],
    asked: sent.map((each) => each.params.request.url).filter((url) => url !== address && !url.startsWith("data:")) });
}
console.log(JSON.stringify(views));
await Promise.race([call("Browser.close").catch(() => {}), pause(2000)]); // it may end before it answers
browser.kill("SIGKILL");
server.close();
process.exit(0);
