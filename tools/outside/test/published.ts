/**
 * Built and published once for all tests of a run: by the first file that asks, while others wait. Each file has a registry
 * of its own over what was published, which ends with it.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pass } from "node:timers/promises";
import { afterAll, beforeAll } from "vitest";
import { buildPackages } from "../../../scripts/release/build.ts";
import { SCOPE } from "../../../scripts/release/manifest.ts";
import { startRegistry, type Registry } from "../src/registry.ts";
import { createStranger, type Stranger } from "../src/stranger.ts";

/** The oldest Node of its line that is supported. */
const NODE_22 = "22.23.0";

export interface Outside {
  readonly builtFolders: readonly string[];
  stranger(terms?: { readonly node: 22 }): Stranger;
}

export function useOutside(): () => Outside {
  let registry: Registry | undefined;
  let outside: Outside | undefined;
  let node22: string | undefined;
  beforeAll(async () => {
    const { builtFolders, ...started } = await openRegistry();
    const { npmrc } = (registry = started);
    outside = {
      builtFolders,
      stranger: ({ node } = { node: undefined } as never) =>
        createStranger({ npmrc, ...(node === 22 && { node: join((node22 ??= installNode()), "node_modules/node/bin/node") }) }),
    };
  }, 300_000);
  afterAll(async () => {
    if (node22 !== undefined) rmSync(node22, { recursive: true, force: true });
    await registry?.stop();
  });
  return () => outside!;
}

/** In the temporary folder of this run, which goes with it. */
const SHARED = join(tmpdir(), "streamer-published");
const STORAGE = join(SHARED, "storage");
const OUTCOME = join(SHARED, "outcome.json");
const PATIENCE_MS = 280_000;

type Outcome = { readonly builtFolders: readonly string[] } | { readonly error: string };

async function openRegistry(): Promise<Registry & { readonly builtFolders: readonly string[] }> {
  if (!isFirst()) {
    const outcome = await outcomeOfTheFirst();
    if ("error" in outcome) throw new Error(`Building or publishing failed in another test file: ${outcome.error}`);
    return { ...outcome, ...(await startRegistry({ scope: SCOPE, storage: STORAGE })) };
  }
  try {
    const builtFolders = await buildPackages();
    const registry = await startRegistry({ scope: SCOPE, storage: STORAGE, publish: builtFolders });
    tell({ builtFolders });
    return { ...registry, builtFolders };
  } catch (error) {
    tell({ error: String(error) });
    throw error;
  }
}

function isFirst(): boolean {
  try {
    mkdirSync(SHARED);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/** Whole or absent for who looks. */
function tell(outcome: Outcome): void {
  writeFileSync(`${OUTCOME}.new`, JSON.stringify(outcome));
  renameSync(`${OUTCOME}.new`, OUTCOME);
}

async function outcomeOfTheFirst(): Promise<Outcome> {
  const until = performance.now() + PATIENCE_MS;
  while (!existsSync(OUTCOME)) {
    if (performance.now() > until) throw new Error(`Nothing was published by another test file within ${PATIENCE_MS} ms.`);
    await pass(200);
  }
  return JSON.parse(readFileSync(OUTCOME, "utf8")) as Outcome;
}

function installNode(): string {
  const folder = mkdtempSync(join(tmpdir(), "streamer-node-22-"));
  writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true, allowScripts: { node: true } }));
  execFileSync("npm", ["install", `node@${NODE_22}`, "--loglevel=error"], { cwd: folder });
  return folder;
}
