/** A registry of npm packages on this machine, which has what is built here; all else comes from where npm looks. */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as pass } from "node:timers/promises";

export interface RegistryTerms {
  /** The npm scope that comes from here. */
  readonly scope: string;
  /** Where published packages are kept; several may read the same. */
  readonly storage: string;
  /** Packages to publish first, by their folders. */
  readonly publish?: readonly string[];
}

export interface Registry {
  readonly url: string;
  /** Settings of npm for a folder whose packages of ours are to come from here. */
  readonly npmrc: string;
  stop(): Promise<void>;
}

const VERDACCIO = join(dirname(createRequire(import.meta.url).resolve("verdaccio/package.json")), "bin/verdaccio");
const STARTS_WITHIN_MS = 30_000;

export async function startRegistry({ scope, storage, publish: folders = [] }: RegistryTerms): Promise<Registry> {
  const folder = mkdtempSync(join(tmpdir(), "streamer-registry-"));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}/`;
  const config = join(folder, "config.json");
  writeFileSync(
    config,
    JSON.stringify({
      storage,
      packages: { "**": { access: "$all", publish: "$all", unpublish: "$all" } },
      web: { enable: false },
      log: { type: "stdout", format: "json", level: "error" },
      max_body_size: "100mb",
    }),
  );
  const server = spawn(process.execPath, [VERDACCIO, "--config", config, "--listen", `127.0.0.1:${port}`], {
    stdio: ["ignore", "inherit", "inherit"],
  });
  const stop = async (): Promise<void> => {
    await end(server);
    rmSync(folder, { recursive: true, force: true });
  };
  // Anybody may publish; npm itself wants a token to try.
  const npmrc = [`${scope}:registry=${url}`, `//127.0.0.1:${port}/:_authToken=anybody`, "fund=false", "audit=false", ""].join("\n");
  try {
    await answers(url, server);
    const home = join(folder, "publisher");
    mkdirSync(home);
    writeFileSync(join(home, ".npmrc"), npmrc);
    for (const built of folders) publish(built, home);
  } catch (error) {
    await stop();
    throw error;
  }
  return { url, npmrc, stop };
}

function publish(built: string, home: string): void {
  const args = ["publish", built, "--provenance=false", "--userconfig", join(home, ".npmrc"), "--loglevel=error"];
  const { status, stderr } = spawnSync("npm", args, { cwd: home, encoding: "utf8" });
  if (status !== 0) throw new Error(`${built} could not be published: ${stderr}`);
}

async function answers(url: string, server: ChildProcess): Promise<void> {
  const until = performance.now() + STARTS_WITHIN_MS;
  while (performance.now() < until && server.exitCode === null) {
    const response = await fetch(`${url}-/ping`).catch(() => undefined);
    if (response?.ok) return;
    await pass(50);
  }
  throw new Error(`The registry did not answer within ${STARTS_WITHIN_MS} ms.`);
}

async function end(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const exited = once(server, "exit");
  server.kill("SIGTERM");
  await exited;
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as { readonly port: number };
  probe.close();
  await once(probe, "close");
  return port;
}
