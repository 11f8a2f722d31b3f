/** The client and its hooks in a real browser, against a real server. */
import { readFileSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { isBuiltin } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, expect, it, onTestFinished } from "vitest";
import { startChaosProxy } from "@streamer/contract/chaos-proxy";
import { startServer, type Server } from "@streamer/embedded";
import type { ClientMessage } from "@streamer/protocol";
import { launchChromium } from "../../../../scripts/chromium.ts";
import { connect, type Client, type RunEvent } from "../../src/index.ts";
import { gate, handlers, NUMBERS } from "./handlers.ts";
import { serveSite, type PageName, type Site } from "./site.ts";

/** For a condition: far longer than it takes, on a machine that is busy. */
const WAIT = { timeout: 100_000 };

let browser: Browser;
let site: Site;
let server: Server;
let token: string;
let context: BrowserContext;

beforeAll(async () => {
  [browser, site] = await Promise.all([launchChromium(), serveSite()]);
  server = await startServer({
    handlers,
    dataFolder: await mkdtemp(join(tmpdir(), "browser-")),
    allowedOrigins: [site.origin],
    logLevel: "error",
    stopGraceMs: 0,
    options: { heartbeatMs: 200 },
  });
  token = await server.developmentToken({ userId: "u1" });
  // The first time, Chromium is unpacked.
});

afterAll(async () => {
  await browser.close();
  await server.stop();
  await site[Symbol.asyncDispose]();
});

beforeEach(async () => {
  context = await browser.newContext();
  const thrown: string[] = [];
  context.on("weberror", (problem) => thrown.push(String(problem.error().stack)));
  return async () => {
    await context.close();
    if (thrown.length > 0) throw new Error(`A page threw: ${thrown.join("\n")}`);
  };
});

interface OpenPage {
  readonly page: Page;
  readonly address: string;
  /** What the page said to the server, and how many sockets it opened for that. */
  readonly sent: ClientMessage[];
  readonly received: unknown[];
  readonly sockets: { readonly opened: number; readonly closed: number };
}

async function open(name: PageName, request?: string, { origin } = site, url = server.url): Promise<OpenPage> {
  const page = await context.newPage();
  const [sent, received, sockets] = [[] as ClientMessage[], [] as unknown[], { opened: 0, closed: 0 }];
  page.on("websocket", (socket) => {
    sockets.opened += 1;
    socket.on("close", () => (sockets.closed += 1));
    socket.on("framesent", ({ payload }) => sent.push(JSON.parse(String(payload)) as ClientMessage));
    socket.on("framereceived", ({ payload }) => received.push(JSON.parse(String(payload))));
  });
  const address = `${origin}/${name}?${new URLSearchParams({ url, token, ...(request !== undefined && { request }) })}`;
  await page.goto(address);
  return { page, address, sent, received, sockets };
}

/** A client of the same user elsewhere. */
function elsewhere(): Client {
  const client = connect(server.url, { token });
  onTestFinished(() => client.close());
  return client;
}

/** A request that has said 10 lines. */
async function startLines(client: Client): Promise<string> {
  const run = client.request("lines");
  await gate.reached();
  gate.open();
  await gate.reached();
  return run.id;
}

async function expectText(page: Page, selector: string, text: string | RegExp): Promise<void> {
  await expect.poll(() => page.locator(selector).textContent(), WAIT).toMatch(text);
}

/** What the page saw of a request that has ended: in order, nothing twice, and no durable event missed. */
async function seenWhole(page: Page, id: string): Promise<readonly RunEvent[]> {
  const seen = (await page.evaluate("seen")) as Extract<RunEvent, { seq?: number }>[];
  const seqs = seen.map(({ seq }) => seq);
  expect(seqs).toEqual([...new Set(seqs)].sort((one, other) => one! - other!));
  const replayed: RunEvent[] = [];
  for await (const event of elsewhere().attach(id).events) replayed.push(event);
  const durable = (events: readonly RunEvent[]): RunEvent[] => events.filter(({ type }) => type !== "progress");
  expect(durable(seen)).toEqual(durable(replayed));
  return seen;
}

it("P5, P6: a page that is reloaded and left mid-run misses no durable event and sees none twice", async () => {
  const { page, address } = await open("reload");
  const seenLines = (count: number) =>
    page.waitForFunction(
      (wanted) => (globalThis as unknown as { seen?: RunEvent[] }).seen?.filter(({ type }) => type === "partial").length === wanted,
      count,
    );
  await gate.reached();
  gate.open();
  await seenLines(10);
  await page.reload();
  await gate.reached();
  gate.open();
  await seenLines(20);
  await page.goto("about:blank");
  await gate.reached();
  gate.open();
  const { items } = await elsewhere().list({ action: "lines", limit: 1 });
  const { id } = items[0]!;
  await elsewhere().attach(id).result;
  await page.goto(address);
  await page.waitForFunction(() => "result" in globalThis);
  expect(await page.evaluate("result")).toEqual({ lines: 30 });

  expect((await seenWhole(page, id)).filter(({ type }) => type === "partial")).toHaveLength(30);
});

it("P5, P6: over a network that cuts, half-closes and stalls, a page misses no durable event and sees none twice", async () => {
  // Not what the page says, its handshakes above all: Chromium makes a page wait for seconds after failed ones.
  await using proxy = await startChaosProxy({ target: { port: Number(new URL(server.url).port) }, seed: 5, upShare: 0 });
  const { page } = await open("count", "count-1", site, `ws://127.0.0.1:${proxy.port}`);
  await page.waitForFunction(() => "result" in globalThis, undefined, { timeout: 100_000 });
  expect(Object.values(proxy.struck).reduce((sum, times) => sum + times)).toBeGreaterThan(20);
  const partials = (await seenWhole(page, "count-1")).flatMap((event) => (event.type === "partial" ? [event.data] : []));
  expect(partials).toEqual(Array.from({ length: NUMBERS }, (_, number) => number));
});

it("StrictMode, Suspense: one socket, one request, no subscription of its own, and nothing left behind", async () => {
  const { page, sent, sockets } = await open("strict");
  const said = (type: ClientMessage["type"]): number => sent.filter((message) => message.type === type).length;
  await expectText(page, "#connection", "open");
  await page.getByText("Submit").click();
  await gate.reached();
  gate.open();
  await expectText(page, "#request", "pending PROCESSING 33");
  await page.getByText("Toggle").click();
  await page.evaluate("arrive()");
  await expectText(page, "#follower", "pending 33");
  expect(await page.locator("#no-outcome").count()).toBe(1);
  await gate.reached();
  gate.open();
  await gate.reached();
  gate.open();
  await expectText(page, "#request", "success COMPLETED 100");
  await expectText(page, "#follower", /success 100 {"lines":30}/);
  await expectText(page, "#outcome", /{"lines":30}/);
  expect([sockets.opened, said("request"), said("subscribe"), said("unsubscribe")]).toEqual([1, 1, 0, 0]);
  await page.getByText("Reset").click();
  await expectText(page, "#request", "idle - -");
  await page.evaluate("unmount()");
  await expect.poll(() => sockets, WAIT).toEqual({ opened: 1, closed: 1 });
});

it("StrictMode, Suspense: a request made elsewhere is subscribed to once, and no longer when its view is gone", async () => {
  const id = await startLines(elsewhere());
  const { page, sent, sockets } = await open("strict", id);
  const said = (): string[] => sent.map(({ type }) => type).filter((type) => type !== "ping");
  await expectText(page, "#connection", "open");
  await page.locator("#not-yet").waitFor({ state: "attached" });
  expect(said()).toEqual([]);
  await page.evaluate("arrive()");
  await expectText(page, "#follower", "pending 33");
  await page.getByText("Toggle").click();
  await page.getByText("Toggle").click();
  await expectText(page, "#follower", "pending 33");
  expect(said()).toEqual(["subscribe"]);
  await page.getByText("Toggle").click();
  await expect.poll(said, WAIT).toEqual(["subscribe", "unsubscribe"]);
  await page.getByText("Toggle").click();
  await expectText(page, "#follower", "pending 33");
  await elsewhere().attach(id).cancel();
  await expectText(page, "#follower", /error 33.* "CANCELLED"/);
  expect(said()).toEqual(["subscribe", "unsubscribe", "subscribe"]);
  expect(sockets).toEqual({ opened: 1, closed: 0 });
});

it("renders at most once per animation frame however fast a request speaks, and without tearing", async () => {
  const run = elsewhere().request("flood", { updates: 2_000 });
  await gate.reached();
  const { page, received } = await open("flood", run.id);
  await expectText(page, ".view >> nth=0", "PROCESSING");
  await page.evaluate("commits.length = 0");
  gate.open();
  await expectText(page, ".view >> nth=2", "COMPLETED 100");
  const { commits, torn } = (await page.evaluate("({ commits, torn })")) as { commits: number[]; torn: string[] };
  expect(torn).toEqual([]);
  expect(commits.filter((count) => count > 1)).toEqual([]);
  expect(received.length).toBeGreaterThan(2 * commits.length);
});

it("goes on at once when the machine is online again", async () => {
  const id = await startLines(elsewhere());
  const { page, sockets } = await open("connection", id);
  await expectText(page, "#connection", "open");
  await context.setOffline(true);
  await expectText(page, "#connection", "waiting");
  gate.open();
  await gate.reached();
  gate.open();
  await elsewhere().attach(id).result;
  await context.setOffline(false);
  await expectText(page, "#request", 'success {"lines":30}');
  expect(sockets.opened).toBe(2);
});

it("an origin that the server does not know is told so", async () => {
  await using other = await serveSite();
  const { page } = await open("connection", undefined, other);
  await expectText(page, "#connection", "waiting");
  await expectText(page, "#problem", `Is a server there that allows the origin ${other.origin}?`);
});

it("carries nothing of Node's into a browser", () => {
  const imported = Object.values(site.metafile.inputs).flatMap(({ imports }) => imports.map(({ path }) => path));
  expect(imported).toContain("packages/client/src/react/provider.ts");
  expect(imported.filter((path) => isBuiltin(path))).toEqual([]);
  expect(Object.values(site.metafile.outputs).flatMap(({ imports }) => imports)).toEqual([]);
});

it("plays what the guide shows", async () => {
  const { page } = await open("guide");
  await page.locator("#resize").getByText("Resize").click();
  await expectText(page, "#resize", "half of it");
  await page.locator("#resize").getByText("Cancel").click();
  await expectText(page, "#resize [role=alert]", /cancelled/);
  await page.locator("#album").getByText("Resize").click();
  await gate.reached();
  await page.reload();
  await page.getByText("Find").click();
  await expectText(page, "#latest", "Resizing…");
  expect(await page.locator("#album progress").count()).toBe(1);
  gate.open();
  await expectText(page, "#latest", "Download");
  expect(await page.locator("#album a").getAttribute("href")).toBe("/two/640");
});

it("shows in the guide only what is played", () => {
  const guide = readFileSync(new URL("../../../../docs/guides/react.md", import.meta.url), "utf8");
  const source = readFileSync(new URL("pages/guide.tsx", import.meta.url), "utf8");
  const blocks = Array.from(guide.matchAll(/```tsx\n([\s\S]*?)```/g), ([, block = ""]) => block);
  const shown = blocks.flatMap((block) =>
    block
      .replace(/^import .*\n/gm, "")
      .trim()
      .split("\n\n"),
  );
  expect(shown.length).toBeGreaterThan(8);
  for (const part of shown) expect(source).toContain(part);
});
