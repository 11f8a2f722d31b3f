/**
 * Tests by how long they take: `npm test` runs all, `npm run test:unit` what is done in seconds. Everything is in one of
 * them, by its place.
 */
import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

const shared = {
  globalSetup: "scripts/temporary-folder.ts",
  typecheck: { enabled: false },
  // What hangs is ended; what is slow on a machine that does much else is not.
  testTimeout: 120_000,
  hookTimeout: 120_000,
  execArgv: ["--disable-warning=ExperimentalWarning"],
};

/** The suites that every engine and every client is held to. */
const CONTRACTS = ["packages/*/test/**/*contract.test.ts", "packages/*/test/**/wire*.test.ts"];

const OUTSIDE = ["tools/outside/test/**/*.test.ts"];

export const PROJECTS: Readonly<Record<string, { readonly include: readonly string[]; readonly exclude?: readonly string[] }>> = {
  /** Beside the code: no server, no network. */
  unit: { include: ["packages/*/src/**/*.test.ts", "tools/*/src/**/*.test.ts", "scripts/**/*.test.ts"] },
  contract: { include: CONTRACTS },
  /** Real servers, sockets, files, browsers and bundles. */
  "end-to-end": {
    include: ["packages/*/test/**/*.test.ts", "apps/*/test/**/*.test.ts", "examples/**/*.test.ts", "clients/*/test/**/*.test.ts"],
    exclude: CONTRACTS,
  },
  /** Strangers who install what is built. */
  outside: { include: OUTSIDE },
  /** Simulation, torture, attacks, mutants, the local AWS, and what work costs. */
  proof: { include: ["tools/*/test/**/*.test.ts", "bench/test/**/*.test.ts"], exclude: OUTSIDE },
};

/** Proofs measure how long answers take: they have the machine for themselves, after all else. */
const paceOf = (name: string) =>
  name === "proof" ? { maxWorkers: 1, sequence: { groupOrder: 1 } } : { maxWorkers: availableParallelism(), sequence: { groupOrder: 0 } };

export default defineConfig({
  test: {
    projects: Object.entries(PROJECTS).map(([name, { include, exclude = [] }]) => ({
      test: { ...shared, ...paceOf(name), name, include: [...include], exclude: ["**/node_modules/**", ...exclude] },
    })),
  },
});
