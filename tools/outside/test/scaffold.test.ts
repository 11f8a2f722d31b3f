/** The command line of strangers, and the application that it makes: installed, tested and used in a browser as they would. */
import { cpSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { launchChromium } from "../../../scripts/chromium.ts";
import { readManifest } from "../../../scripts/release/manifest.ts";
import type { Stranger } from "../src/stranger.ts";
import { useOutside } from "./published.ts";

/** For a condition: far longer than it takes, on a machine that is busy. */
const WAIT = { timeout: 100_000 };
const CLI = readManifest("packages/cli").name;
const outside = useOutside();

describe("the application that init makes", () => {
  const APP = { cwd: "my-app" };
  let stranger: Stranger;
  let browser: Browser;

  beforeAll(async () => {
    browser = await launchChromium();
    stranger = outside().stranger();
    stranger.runWell("npx", ["--yes", CLI, "init", "my-app"]);
    // Where npm finds our packages is the machine's to say, and here the folder's.
    cpSync(join(stranger.folder, ".npmrc"), join(stranger.folder, "my-app/.npmrc"));
    stranger.runWell("npm", ["install"], APP);
  }, 300_000);
  afterAll(async () => {
    await browser?.close();
    stranger?.[Symbol.dispose]();
  });

  it("passes its own tests and type check, without a build", () => {
    expect(stranger.runWell("npm", ["test"], APP)).toMatch(/pass 4\n[^]*fail 0\n/);
    expect(stranger.runWell("npm", ["run", "--silent", "types"], APP)).toBe("");
  });

  it("has a page whose bar moves, that shows the result, and whose cancel works; SIGTERM stops it", async () => {
    await using server = stranger.start("node", ["--disable-warning=ExperimentalWarning", "src/main.ts"], { ...APP, env: { PORT: "0" } });
    const [, url] = await server.prints(/^Open (http:\S+)$/m);
    const { page, thrown } = await open(url!);
    await page.fill("input[name=below]", "5000000");
    await page.click("#start");
    await page.waitForFunction(() => document.querySelector("output")!.value === "Result: 348513 primes", undefined, WAIT);
    const shown = await page.evaluate(() => (globalThis as unknown as { shown: number[] }).shown);
    expect(shown.filter((value) => value > 0 && value < 100).length).toBeGreaterThan(3);
    expect(shown.at(-1)).toBe(100);

    await page.fill("input[name=below]", "100000000");
    await page.click("#start");
    await page.waitForFunction(() => document.querySelector("output")!.value.includes("primes below"), undefined, WAIT);
    // It finds its request again.
    await page.reload();
    await page.waitForFunction(() => document.querySelector("output")!.value.includes("primes below"), undefined, WAIT);
    await page.click("#cancel");
    await page.waitForFunction(() => document.querySelector("output")!.value.startsWith("CANCELLED"), undefined, WAIT);
    expect(await page.isDisabled("#cancel")).toBe(true);
    expect(thrown).toEqual([]);

    server.signal("SIGTERM");
    expect(await server.ended).toBe(0);
  });

  it("is asked from the command line as its README says", async () => {
    await using server = stranger.start("npm", ["start"], { ...APP, env: { PORT: "0" } });
    const [, url] = await server.prints(/^Open http:\/\/(\S+)$/m);
    const readme = readFileSync(join(stranger.folder, "my-app/README.md"), "utf8").replaceAll("127.0.0.1:3000", url!);
    const said = Array.from(readme.matchAll(/^npx .*$/gm), ([line]) =>
      stranger.runWell("bash", ["-c", line], { ...APP, env: { npm_config_yes: "true" } }),
    );
    expect(said).toEqual([expect.stringContaining("1270607"), expect.stringContaining("ok")]);
    server.signal("SIGTERM");
    await server.ended;
    // npm is gone; so is what it started.
    const isThere = (): Promise<boolean> =>
      fetch(`http://${url}/`).then(
        () => true,
        () => false,
      );
    await expect.poll(isThere, { timeout: 15_000 }).toBe(false);
  });

  it("gives no token to strangers in production", async () => {
    await using server = stranger.start("npm", ["start"], { ...APP, env: { PORT: "0", NODE_ENV: "production", DATA_FOLDER: "other" } });
    const [, url] = await server.prints(/^Open (http:\S+)$/m);
    const response = await fetch(`${url}/token`);
    expect([response.status, await response.text()]).toEqual([501, expect.stringContaining("src/app.ts")]);
    server.signal("SIGTERM");
    await server.ended;
  });

  async function open(url: string): Promise<{ readonly page: Page; readonly thrown: readonly string[] }> {
    const page = await browser.newPage();
    const thrown: string[] = [];
    page.on("pageerror", (error) => thrown.push(String(error)));
    // Each value that the bar is given.
    await page.addInitScript(() => {
      const shown: number[] = ((globalThis as unknown as { shown: number[] }).shown = []);
      const { get, set } = Object.getOwnPropertyDescriptor(HTMLProgressElement.prototype, "value")!;
      Object.defineProperty(HTMLProgressElement.prototype, "value", {
        get: get!,
        set(value: number) {
          shown.push(value);
          set!.call(this, value);
        },
      });
    });
    await page.goto(url);
    return { page, thrown };
  }
});

describe("the command line", () => {
  let stranger: Stranger;
  beforeAll(() => {
    stranger = outside().stranger();
    stranger.install(CLI);
  }, 300_000);
  afterAll(() => stranger?.[Symbol.dispose]());

  it("has help, a server, requests and a doctor, installed alone", async () => {
    const { version } = readManifest("packages/cli");
    expect(stranger.runWell("npx", ["streamer", "--version"])).toBe(`${version}\n`);
    expect(stranger.runWell("npx", ["streamer", "--help"])).toContain("init");
    await using server = stranger.start("npx", ["streamer", "serve", "--port", "0", "--json"]);
    const [, url] = await server.prints(/"url":"(ws:[^"]+)"/);
    const echoed = stranger.runWell("npx", ["streamer", "request", "echo", "--payload", '{"hello":"there"}', "--url", url!]);
    expect(JSON.parse(echoed)).toEqual({ hello: "there" });
    const examined = stranger.runWell("npx", ["streamer", "doctor", "--url", url!, "--json"]);
    expect(JSON.parse(examined)).toMatchObject({ ok: true });
    server.signal("SIGTERM");
    await server.ended;
  });

  it.each([
    [["deploy", "--synth-only"], /createStreamerStack/],
    [["demo", "--engine", "aws-local"], /clone of Streamer's repository/],
  ])("%j says what to do instead, outside of the repository", (args, advice) => {
    const { code, err } = stranger.run("npx", ["streamer", ...args]);
    expect([code, err]).toEqual([2, expect.stringMatching(advice)]);
    expect(err).not.toMatch(/^\s+at /m);
  });
});
