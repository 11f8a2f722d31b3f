/** Built and published once for all tests of a run. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
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
    const builtFolders = await buildPackages();
    const { npmrc } = (registry = await startRegistry(SCOPE, builtFolders));
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

function installNode(): string {
  const folder = mkdtempSync(join(tmpdir(), "streamer-node-22-"));
  writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true, allowScripts: { node: true } }));
  execFileSync("npm", ["install", `node@${NODE_22}`, "--loglevel=error"], { cwd: folder });
  return folder;
}
