/**
 * No text of others reaches a terminal as anything but text, whichever command prints it: escapes, control characters,
 * bidi and invisible characters are written out, and JSON has the same values.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { afterAll, beforeAll, expect, it } from "vitest";
import { connect } from "@streamer/client";
import { Fatal, defineHandler } from "@streamer/core";
import { startServer, type Server } from "@streamer/embedded";
import { jsonLines } from "./command.ts";
import { streamerHere } from "./in-process.ts";

const EVIL = "\u001B]0;PWNED\u0007\u001B[2J\u001B[1;1H\u001B[31mFAKE\u001B[0m\r\u009B31m\u202Edab\u200B\u2066\uFEFF\u{E0041}\nerror fake";
/** Anything a terminal obeys or does not show, but for the ends of lines. */
const HIDDEN = /(?!\n|\uFE0E|\uFE0F)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u;
/** What the command itself says to a terminal: colours, and making way for what is pinned. */
// oxlint-disable-next-line no-control-regex -- A colour begins with escape.
const OWN = /\u001B\[(?:\d+(?:;\d+)*m|\d+A|J)/g;

const folder = mkdtempSync(join(tmpdir(), "streamer-visible-"));
let server: Server;

const hostile = defineHandler({
  action: "hostile",
  description: EVIL,
  input: z.object({ fails: z.boolean().default(false), [EVIL]: z.string().optional().describe(EVIL) }),
  run({ fails }, ctx) {
    ctx.report(40, EVIL, { stage: EVIL, metadata: { [EVIL]: EVIL } });
    if (fails) throw new Fatal(EVIL, { details: { issues: [{ path: [EVIL], message: EVIL }] } });
    return { [EVIL]: EVIL };
  },
});

beforeAll(async () => {
  server = await startServer({ handlers: [hostile], dataFolder: join(folder, "data"), logLevel: "silent" });
  await using client = connect(server.url, { token: await server.developmentToken({ userId: "developer" }) });
  for (const [id, fails] of [
    [`id ${EVIL}`, false],
    ["failed", true],
  ] as const)
    await client.request("hostile", { fails }, { id, mode: "async", metadata: { [EVIL]: EVIL } }).result.catch(() => undefined);
});
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true });
});

const COMMANDS: readonly (readonly string[])[] = [
  ["list"],
  ["list", "--json"],
  ["get", `id ${EVIL}`],
  ["get", `id ${EVIL}`, "--json"],
  ["get", "failed"],
  ["get", "failed", "--json"],
  ["get", `none ${EVIL}`],
  ["watch", `id ${EVIL}`],
  ["watch", "failed"],
  ["watch", "failed", `id ${EVIL}`],
  ["watch", "failed", `id ${EVIL}`, "--json"],
  ["request", "hostile"],
  ["request", "hostile", "--payload", '{"fails":true}'],
  ["request", "hostile", "--payload", "{}", "--payload", '{"fails":true}'],
  ["request", `no such ${EVIL}`],
  ["request", "hostile", "--detach", "--id", `other ${EVIL}`],
  ["cancel", `id ${EVIL}`],
  ["retry", "--status", "FAILED", "--dry-run"],
  ["retry", "failed", "--watch"],
  ["actions"],
  ["actions", "hostile"],
  ["actions", EVIL],
  ["actions", "--json"],
  ["actions", "--asyncapi"],
  ["types"],
  ["request", "hostile", `--${EVIL}`],
  [EVIL],
  ["token", "--data-folder", EVIL],
  ["doctor", "--profile", EVIL],
];

it.each(COMMANDS)("%j %j %j %j %j prints nothing that a terminal would obey", async (...args) => {
  const access =
    args[0] === EVIL ? [] : ["token", "doctor"].includes(args[0]!) ? [] : ["--url", server.url, "--data-folder", join(folder, "data")];
  for (const columns of [undefined, 70]) {
    const ran = streamerHere([...args, ...access], columns === undefined ? {} : { columns });
    await ran.exitCode;
    const printed = ran.stdout + ran.stderr;
    expect(printed).not.toBe("");
    expect(HIDDEN.exec(columns === undefined ? printed : printed.replaceAll(OWN, ""))?.[0]).toBeUndefined();
    // No line of a text begins where lines of the command do.
    expect(printed).not.toMatch(/^error fake/m);
    if (args.includes("--json")) jsonLines(ran.stdout);
  }
});

it("--json has the very values", async () => {
  const ran = streamerHere(["get", `id ${EVIL}`, "--json", "--url", server.url, "--data-folder", join(folder, "data")]);
  expect(await ran.exitCode).toBe(0);
  expect(jsonLines(ran.stdout)).toMatchObject([{ request_id: `id ${EVIL}`, result: { [EVIL]: EVIL }, metadata: { [EVIL]: EVIL } }]);
});

it("nothing writes but the terminal", () => {
  const source = join(import.meta.dirname, "../src");
  const files = readdirSync(source, { recursive: true, encoding: "utf8" }).filter(
    (name) => name.endsWith(".ts") && !name.endsWith(".test.ts"),
  );
  // main.ts listens for a stdout that is closed, shell.ts hands both on, and the CDK talks to its user on stderr as it is.
  const known: Readonly<Record<string, RegExp>> = {
    "main.ts": /process\.stdout\.on\("error"/,
    "shell.ts": /std(?:out|err): process\.std/,
    "cdk.ts": /process\.stderr(?:\.isTTY|,)/,
  };
  const found = files
    .filter((name) => name !== "terminal.ts")
    .flatMap((name) =>
      readFileSync(join(source, name), "utf8")
        .split("\n")
        .filter((line) => /console\.|process\.std(?:out|err)|\.write\(/.test(line) && !known[name]?.test(line))
        .map((line) => `${name}: ${line.trim()}`),
    );
  expect(found).toEqual([]);
});
