/** actions and types, in process, on a real server; what types prints is compiled against the client. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { afterAll, beforeAll, expect, it } from "vitest";
import { asyncApiProblems } from "@streamer/contract/asyncapi";
import { defineHandler, type AnyHandler } from "@streamer/core";
import { startServer, type Server } from "@streamer/embedded";
import { createHandlers } from "@streamer/handlers";
import type { JsonObject } from "@streamer/protocol";
import { jsonLines } from "./command.ts";
import { streamerHere } from "./in-process.ts";

const folder = mkdtempSync(join(tmpdir(), "streamer-actions-"));
const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));
let server: Server;
let token: string;

const tree: z.ZodType<{ name: string; children: unknown[] }> = z.lazy(() => z.object({ name: z.string(), children: z.array(tree) }));
const handlers: readonly AnyHandler[] = [
  defineHandler({
    action: "resize_images",
    description: "Makes them smaller.",
    input: z.object({ album: z.string(), width: z.int().default(640), formats: z.array(z.enum(["png", "jpeg"])).optional() }),
    output: z.object({ url: z.string() }),
    estimate: 90_000,
    timeoutMs: 600_000,
    concurrency: { perTenant: 4 },
    permissions: ["images.write"],
    run: () => ({ url: "u" }),
  }),
  defineHandler({ action: "plant", input: z.object({ tree }), run: () => 1 }),
  ...createHandlers({ dataFolder: join(folder, "own"), reports: { dataFolder: join(folder, "shop") } }),
];

beforeAll(async () => {
  server = await startServer({ handlers, dataFolder: join(folder, "data"), logLevel: "silent" });
  token = await server.developmentToken({ userId: "developer" });
});
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true });
});

async function printed(...args: readonly string[]): Promise<string> {
  const ran = streamerHere([...args, "--url", server.url, "--token", token]);
  expect([await ran.exitCode, ran.stderr]).toEqual([0, ""]);
  return ran.stdout;
}

it("lists the actions, and tells of one in detail", async () => {
  const list = await printed("actions");
  expect(list.split("\n")).toHaveLength(handlers.length + 1);
  expect(list).toMatch(/^resize_images +Makes them smaller\.$/m);
  const one = await printed("actions", "resize_images");
  for (const text of ["about 2 min", "10 min an attempt, 3 attempts", "4 of a tenant", "images.write"]) expect(one).toContain(text);
  expect(one).toContain('  readonly formats?: ReadonlyArray<"png" | "jpeg">;');
  expect(one).toContain("type Result = {\n  readonly url: string;\n};");
});

it("says how well the estimates of an action have held, once one was put to the test", async () => {
  expect(await printed("actions", "echo")).not.toContain("calibrated");
  const ran = streamerHere(["request", "echo", "--payload", '{"text":"x"}', "--url", server.url, "--token", token]);
  expect([await ran.exitCode, ran.stderr]).toEqual([0, expect.any(String)]);
  expect(await printed("actions", "echo")).toMatch(/calibrated +\d+ % of 1 run ended within the p90 told at its start/);
});

it("prints descriptions as JSON lines, and says which actions there are when one is not", async () => {
  const lines = jsonLines(await printed("actions", "--json"));
  expect(lines.map(({ action }) => action)).toEqual(handlers.map(({ action }) => action));
  expect(jsonLines(await printed("actions", "plant", "--json"))).toMatchObject([{ action: "plant", input: { type: "object" } }]);
  const wrong = streamerHere(["actions", "nothing", "--url", server.url, "--token", token]);
  expect(await wrong.exitCode).toBe(1);
  expect(wrong.stderr).toMatch(/There is no action "nothing"; known actions are resize_images, plant, /);
});

it("prints the AsyncAPI document that the server serves, of one action too, and it is valid", async () => {
  const document = JSON.parse(await printed("actions", "--asyncapi")) as JsonObject;
  expect(asyncApiProblems(document)).toEqual([]);
  const served = await fetch(`${server.httpUrl}/asyncapi.json`, { headers: { authorization: `Bearer ${token}` } });
  expect(document).toEqual(await served.json());
  const one = JSON.parse(await printed("actions", "resize_images", "--asyncapi")) as { operations: JsonObject };
  expect(Object.keys(one.operations).filter((name) => name.startsWith("request."))).toEqual(["request.resize_images"]);
});

it("prints declarations that type the client, the same ones each time", async () => {
  const declarations = await printed("types");
  expect(await printed("types")).toBe(declarations);
  writeFileSync(join(folder, "actions.d.ts"), declarations);
  writeFileSync(join(folder, "use.ts"), USE);
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  const paths = { "@streamer/client": [path("../../client/src/index.ts")] };
  const compilerOptions = { types: [], paths, skipLibCheck: false };
  writeFileSync(
    join(folder, "tsconfig.json"),
    JSON.stringify({ extends: path("../../../tsconfig.json"), compilerOptions, include: ["*.ts"] }),
  );
  const compile = () =>
    execFileSync(process.execPath, [path("../../../node_modules/typescript/bin/tsc"), "-p", folder], { encoding: "utf8" });
  expect(outputOf(compile)).toBe("");
});

/** What somebody outside the repository writes: the compiler has to accept it all, and refuse what it says it refuses. */
const USE = `
import { connect, type Run } from "@streamer/client";
import type { Actions, PlantInput } from "./actions.d.ts";

const client = connect<Actions>("ws://127.0.0.1:8080", { token: "t" });
export const run: Run<{ readonly url: string }> = client.request("resize_images", { album: "a1", formats: ["png"] });
export const { url } = await run.result;
export const plant: PlantInput = { tree: { name: "oak", children: [{ name: "bough", children: [] }] } };
client.request("plant", plant);
client.request("echo");
client.request("echo", { anything: [1] });
client.request("health");
client.request("generate_report", { start_date: "2025-01-01", end_date: "2025-12-31" });
// @ts-expect-error: an input that is required
client.request("resize_images");
// @ts-expect-error: of another type
client.request("resize_images", { album: 1 });
// @ts-expect-error: not among the formats
client.request("resize_images", { album: "a1", formats: ["gif"] });
// @ts-expect-error: no such action
client.request("resize");
// @ts-expect-error: nothing of that name in the result
export const nothing: string = (await run.result).link;
`;

function outputOf(compile: () => string): string {
  try {
    return compile();
  } catch (error) {
    return (error as { stdout: string }).stdout;
  }
}
