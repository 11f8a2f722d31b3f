/**
 * The container file and the systemd unit in deploy/: what they start, as they start it, in surroundings as strict as
 * theirs. Neither an engine nor systemd has to run here; `systemd-analyze` looks at the unit.
 */
import { execFile, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { connect } from "@streamer/client";
import { signToken } from "@streamer/auth";
import { requireDebianPackages } from "../../../scripts/debian-packages.ts";
import { NOBODY, lockedDown } from "./locked-down.ts";
import { createProject, type Project } from "./project.ts";

const run = promisify(execFile);
const deploy = (name: string): string => readFileSync(new URL(`../../../deploy/${name}`, import.meta.url), "utf8");
const SECRET = "a secret of thirty-two bytes or more";

/** Works, and writes: a file, its own scratch, and a worker process. */
const HANDLERS = `import { defineHandler } from "@streamer/core";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
export const make = defineHandler({ action: "make", input: z.object({}), isolate: import.meta.url, network: false, async run(_, ctx) {
  const path = join(await ctx.scratch(), "a.txt");
  writeFileSync(path, "made");
  const { url } = await ctx.blobs.putFile("a.txt", path);
  const places = ["/", "/app", "/tmp", "/data"].filter((folder) => {
    try {
      writeFileSync(join(folder, "written"), "");
      return true;
    } catch {
      return false;
    }
  });
  return { url, places, uid: process.getuid() };
} });
export const hold = defineHandler({ action: "hold", input: z.object({}), run: (_, ctx) => new Promise((_, reject) => {
  ctx.report(10, "begun");
  ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason));
}) });
`;

let folder: string;
let data: string;
let project: Project;
const children: ChildProcess[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "streamer-service-"));
  chmodSync(folder, 0o755);
  data = join(folder, "data");
  for (const name of ["data", "root"]) mkdirSync(join(folder, name), { mode: 0o755 });
  chownSync(data, NOBODY, NOBODY);
  project = createProject({
    "handlers.ts": HANDLERS,
    "streamer.config.json": '{ "handlers": "handlers.ts", "builtIn": false, "stopGrace": "1s" }',
  });
  chmodSync(project.folder, 0o755);
});
afterEach(async () => {
  for (const child of children.splice(0)) {
    // One that has become another user does not end with what is around it.
    for (const inner of insideOf(child)) process.kill(inner, "SIGKILL");
    child.kill("SIGKILL");
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  }
  project.remove();
  rmSync(folder, { recursive: true });
});

/** The command itself, while it runs. */
function insideOf({ pid }: ChildProcess): readonly number[] {
  const list = `/proc/${pid}/task/${pid}/children`;
  return existsSync(list) ? readFileSync(list, "utf8").split(" ").filter(Boolean).map(Number) : [];
}

interface Serving {
  readonly url: string;
  readonly log: () => string;
  readonly ended: Promise<number | null>;
  /** To the command itself, which is the only child of what made its surroundings. */
  stop(): void;
}

async function serve(command: readonly string[], env: Record<string, string>): Promise<Serving> {
  const variables = { STREAMER_SECRET: SECRET, ...env, STREAMER_PORT: "0", STREAMER_LOG_LEVEL: "info" };
  const child = lockedDown(command, { app: project.folder, data, env: variables, tmp: false });
  children.push(child);
  let log = "";
  const ready = Promise.withResolvers<void>();
  for (const stream of [child.stdout!, child.stderr!])
    stream.setEncoding("utf8").on("data", (text: string) => {
      log += text;
      if (log.includes('"server ready"')) ready.resolve();
    });
  const ended = once(child, "exit").then(([code]) => code as number | null);
  void ended.then(() => ready.reject(new Error(`It ended:\n${log}`)));
  await ready.promise;
  const [inner] = insideOf(child);
  const [, url = ""] = /"url":"http(:\S+?)"/.exec(log) ?? [];
  return { url: `ws${url}`, log: () => log, ended, stop: () => void process.kill(inner!, "SIGTERM") };
}

async function works(serving: Serving): Promise<void> {
  const token = signToken(Buffer.from(SECRET), { userId: "ann", expiresInMs: 60_000 }, Date.now());
  await using client = connect(serving.url, { token });
  const made = (await client.request("make", {}).result) as {
    readonly url: string;
    readonly uid: number;
    readonly places: readonly string[];
  };
  expect([made.uid, made.places]).toEqual([NOBODY, ["/data"]]);
  expect(serving.log()).toContain("have none in their worker processes");
  expect(await (await fetch(made.url)).text()).toBe("made");
  const held = client.request("hold", {}, { mode: "async" });
  for await (const { message } of held.progress) if (message === "begun") break;
  serving.stop();
  expect(await serving.ended).toBe(0);
  expect(serving.log()).toContain('"server stopped"');
  held.result.catch(() => undefined);
}

const openToOthers = (path: string): boolean => (statSync(path).mode & 0o077) !== 0;

describe("deploy/Containerfile", () => {
  const text = deploy("Containerfile").replaceAll(/\\\n\s*/g, "");
  const last = text.slice(text.lastIndexOf("\nFROM "));
  const argumentsOf = (instruction: string): readonly string[] =>
    JSON.parse(new RegExp(`^${instruction}(?: --\\S+)* (\\[.*\\])$`, "m").exec(last)?.[1] ?? "null") as readonly string[];
  const variables = Object.fromEntries(
    /^ENV (.*)$/m
      .exec(last)![1]!
      .split(" ")
      .map((pair) => pair.split("=") as [string, string]),
  );

  it("is of two stages, runs as no root, and has no command that a shell would stand before", () => {
    expect(text.match(/^FROM /gm)).toHaveLength(2);
    expect(/^USER (\S+)$/m.exec(last)?.[1]).toBe("node");
    expect(last.indexOf("USER node")).toBeLessThan(last.indexOf("\nCMD"));
    expect(argumentsOf("CMD")[0]).toBe("node");
    expect(variables).toMatchObject({ STREAMER_HOST: "0.0.0.0", STREAMER_DATA_FOLDER: "/data" });
  });

  it("P13 its command serves as the first process of no root's, on a root that is read alone, is healthy, and stops by SIGTERM", async () => {
    const serving = await serve(argumentsOf("CMD"), variables);
    const check = /^HEALTHCHECK .*CMD (\[.*\])$/m.exec(last)![1]!;
    const [program, ...args] = JSON.parse(check) as [string, ...string[]];
    expect(program).toBe("node");
    const isHealthy = (port: number): Promise<unknown> => run(process.execPath, args, { env: { STREAMER_PORT: String(port) } });
    await isHealthy(Number(new URL(serving.url).port));
    await expect(isHealthy(1)).rejects.toMatchObject({ code: 1 });
    await works(serving);
    expect([data, ...readdirSync(data).map((name) => join(data, name))].filter(openToOthers)).toEqual([]);
  });

  it("refuses to serve others with the development key", async () => {
    await expect(serve(argumentsOf("CMD"), { ...variables, STREAMER_SECRET: "" })).rejects.toThrow(/--jwks/);
  });
});

describe("deploy/streamer.service", () => {
  const path = new URL("../../../deploy/streamer.service", import.meta.url).pathname;
  const unit = deploy("streamer.service");
  const setting = (name: string): string => new RegExp(`^${name}=(.*)$`, "m").exec(unit)?.[1] ?? "";

  beforeAll(() =>
    requireDebianPackages(["systemd"], () =>
      run("systemd-analyze", ["--version"]).then(
        () => true,
        () => false,
      ),
    ),
  );

  it("systemd finds nothing wrong with it, and calls its exposure OK", async () => {
    const { stdout, stderr } = await run("systemd-analyze", ["security", "--offline=true", "--threshold=25", path]);
    expect(stdout + stderr).toMatch(/Overall exposure level for streamer\.service: [012]\.\d OK/);
    // It also looks whether the program is there; here it may be elsewhere.
    const here = join(folder, "streamer.service");
    writeFileSync(here, unit.replace("/usr/bin/node", process.execPath));
    expect((await run("systemd-analyze", ["verify", here])).stderr).toBe("");
  });

  it("P13 its command serves in a read-only system without rights, its own namespaces aside, and stops by SIGTERM", async () => {
    const [program, ...args] = setting("ExecStart").split(" ");
    expect(program).toBe("/usr/bin/node");
    const environment = Object.fromEntries(
      setting("Environment")
        .split(" ")
        .map((pair) => pair.split("=") as [string, string]),
    );
    expect(environment["STREAMER_DATA_FOLDER"]).toBe(`/var/lib/${setting("StateDirectory")}`);
    const serving = await serve(["node", ...args], { ...environment, STREAMER_DATA_FOLDER: "/data" });
    await works(serving);
    // What the unit says of time is longer than what the server takes by default.
    expect(Number(setting("TimeoutStopSec"))).toBeGreaterThan(20);
  });
});
