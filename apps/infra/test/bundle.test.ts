/** What is deployed: how large, without what, and whole by itself. */
import { execFile } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { FONT_PACKAGES, writeSampleShop } from "@streamer/handlers";
import { overBudget } from "../src/bundle/budgets.ts";
import { bundleFunctions, FONTS, type Bundle, type BundleOptions } from "../src/bundle/bundle.ts";
import { addNativePackage } from "../src/bundle/native-package.ts";
import { FUNCTION_NAMES, planOf, type ArchitectureName } from "../src/functions.ts";
import { environmentIn, synthesise } from "./template.ts";

const FIXTURES = resolve(import.meta.dirname, "fixtures");
const HANDLERS = resolve(import.meta.dirname, "..", "handlers.ts");
const HOST: ArchitectureName = process.arch === "arm64" ? "arm64" : "x86_64";
const run = promisify(execFile);
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "streamer-bundles-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const bundle = (name: string, options: Pick<BundleOptions, "handlersModule"> & Partial<BundleOptions>): Promise<readonly Bundle[]> =>
  bundleFunctions({
    architecture: HOST,
    outFolder: join(folder, name, "functions"),
    cacheFolder: join(folder, "cache"),
    entries: join(FIXTURES, "entry"),
    ...options,
  });

describe("the functions' bundles", () => {
  let bundles: readonly Bundle[];
  beforeAll(async () => {
    bundles = await bundle("real", { handlersModule: HANDLERS, entries: "@streamer/aws/entry" });
  });

  it("keep to their budgets: a megabyte for what starts before an answer", () => {
    expect(bundles.map(({ name }) => name)).toEqual(FUNCTION_NAMES);
    expect(overBudget(bundles)).toBeUndefined();
    for (const name of ["connect", "disconnect", "message"] as const) expect(planOf(name).budgetBytes).toBe(1_000_000);
  });

  it("carry heavy packages in work alone, and it starts without them", () => {
    const heavy = new Set(["bidi-js", "yazl", "@duckdb/node-api"]);
    for (const { name, parts } of bundles) {
      const found = parts.map(([part]) => part).filter((part) => heavy.has(part));
      expect([name, found.length > 0]).toEqual([name, name === "work"]);
    }
    const { codeBytes, startBytes } = bundles.find(({ name }) => name === "work")!;
    expect(startBytes).toBeLessThan(codeBytes / 1.5);
  });

  it("load with the environment the stack gives them, and export a handler each", async () => {
    const template = synthesise();
    for (const { name, folder: at } of bundles) {
      vi.unstubAllEnvs();
      vi.stubEnv("AWS_REGION", "eu-west-1");
      for (const [variable, value] of Object.entries(environmentIn(template, name)))
        vi.stubEnv(variable, typeof value === "string" ? value : "https://resolved.example/at-deployment");
      const { handler } = (await import(pathToFileURL(join(at, "index.mjs")).href)) as { readonly handler: unknown };
      expect(handler).toBeTypeOf("function");
    }
    vi.unstubAllEnvs();
  });

  it("upload no source maps", () => {
    for (const { folder: at } of bundles) expect(readdirSync(at).filter((file) => file.endsWith(".map"))).toEqual([]);
    expect(existsSync(join(folder, "real", "maps", "message", "index.mjs.map"))).toBe(true);
  });
});

it("the fonts that are copied are those that reports are printed in", () => {
  expect([...FONTS].sort()).toEqual([...FONT_PACKAGES].sort());
});

describe("a package that only queued runs load", () => {
  it("is refused where it would be loaded at the start, with the way to it", async () => {
    const bundling = bundle("static", { handlersModule: join(FIXTURES, "static-import.ts"), only: ["message"] });
    await expect(bundling).rejects.toThrow(/^yazl is loaded as soon as the message function starts[\s\S]*static-import\.ts\n {2}yazl$/);
  });

  it("behind a dynamic import is an error of that run in message, and there in work", async () => {
    const [message, work] = await bundle("dynamic", { handlersModule: join(FIXTURES, "dynamic-import.ts"), only: ["message", "work"] });
    const load = async ({ folder: at }: Bundle) =>
      (await import(pathToFileURL(join(at, "index.mjs")).href)) as { readonly handler: (event: object) => Promise<string> };
    await expect((await load(message!)).handler({ action: "zip" })).rejects.toThrow('"yazl" is not part of the message function');
    await expect((await load(work!)).handler({ action: "zip" })).resolves.toBeTypeOf("string");
  });
});

describe("the work function", () => {
  it("makes a PDF and a workbook from its own folder, wherever that is", async () => {
    const shop = join(folder, "shop");
    await writeSampleShop(shop, { rows: 500 });
    await bundle("reports", { handlersModule: join(FIXTURES, "shop-handlers.ts"), only: ["work"] });
    // Moved out of reach of this workspace's node_modules, as it is on Lambda.
    const elsewhere = mkdtempSync(join(tmpdir(), "streamer-elsewhere-"));
    cpSync(join(folder, "reports", "functions", "work"), elsewhere, { recursive: true });
    try {
      for (const [format, file] of [
        ["pdf", "report.pdf"],
        ["excel", "report.xlsx"],
      ] as const) {
        const scratch = join(elsewhere, `scratch-${format}`);
        mkdirSync(scratch);
        const args = [join(FIXTURES, "run-report.ts"), join(elsewhere, "index.mjs"), format, scratch];
        const { stdout } = await run(process.execPath, args, { env: { SHOP_FOLDER: shop, PATH: process.env["PATH"] }, cwd: elsewhere });
        expect(JSON.parse(stdout)).toMatchObject({ url: file, format, records: expect.any(Number) as number });
        expect(existsSync(join(scratch, file))).toBe(true);
      }
    } finally {
      rmSync(elsewhere, { recursive: true, force: true });
    }
  });

  it("for another architecture takes the binary kept in the cache, of the same version", () => {
    const [other, platform] = HOST === "arm64" ? (["x86_64", "linux-x64"] as const) : (["arm64", "linux-arm64"] as const);
    const assetFolder = join(folder, "other");
    const bindings = join(assetFolder, "node_modules", "@duckdb", "node-bindings");
    const name = `@duckdb/node-bindings-${platform}`;
    mkdirSync(bindings, { recursive: true });
    writeFileSync(
      join(bindings, "package.json"),
      JSON.stringify({ name, version: "1.0.0-test", optionalDependencies: { [name]: "1.0.0-test" } }),
    );
    const kept = join(folder, "cache", `${name.replace("/", "-")}-1.0.0-test`);
    mkdirSync(kept, { recursive: true });
    writeFileSync(join(kept, "duckdb.node"), "binary");
    addNativePackage({ architecture: other, folder: FIXTURES, assetFolder, cacheFolder: join(folder, "cache") });
    expect(readdirSync(join(assetFolder, "node_modules", name))).toEqual(["duckdb.node"]);
  });

  it("says what to do when that binary cannot be fetched", () => {
    const assetFolder = join(folder, "offline");
    const bindings = join(assetFolder, "node_modules", "@duckdb", "node-bindings");
    const name = `@duckdb/node-bindings-${HOST === "arm64" ? "linux-x64" : "linux-arm64"}`;
    mkdirSync(bindings, { recursive: true });
    writeFileSync(
      join(bindings, "package.json"),
      JSON.stringify({ name, version: "0.0.0-none", optionalDependencies: { [name]: "0.0.0-none" } }),
    );
    const registry = process.env["npm_config_registry"];
    process.env["npm_config_registry"] = "http://127.0.0.1:9/";
    process.env["npm_config_fetch_retries"] = "0";
    try {
      const add = (): void =>
        addNativePackage({
          architecture: HOST === "arm64" ? "x86_64" : "arm64",
          folder: FIXTURES,
          assetFolder,
          cacheFolder: join(folder, "cache"),
        });
      expect(add).toThrow(/could not be fetched: .*run this again with access to the npm registry, or synthesise for this machine/s);
    } finally {
      delete process.env["npm_config_fetch_retries"];
      if (registry === undefined) delete process.env["npm_config_registry"];
      else process.env["npm_config_registry"] = registry;
    }
  });
});
