/**
 * `npm run coverage`: every line and branch of core is reached by its own tests and by the contract on the embedded
 * engine. What nothing reaches is missing a test, or is not needed.
 */
import { defineConfig } from "vitest/config";

/** They repeat whole stories under faults, reach nothing that others do not, and take most of the time. */
const SLOW = "flow: crashes and repeats|requests: against a model";

export default defineConfig({
  test: {
    root: new URL("../..", import.meta.url).pathname,
    globalSetup: "scripts/temporary-folder.ts",
    include: ["packages/core/src/**/*.test.ts", "packages/embedded/test/contract.test.ts"],
    testNamePattern: new RegExp(`^(?!.*(${SLOW}))`),
    typecheck: { enabled: false },
    testTimeout: 120_000,
    hookTimeout: 120_000,
    execArgv: ["--disable-warning=ExperimentalWarning"],
    coverage: {
      enabled: true,
      provider: "istanbul",
      include: ["packages/core/src/**/*.ts"],
      exclude: ["**/*.test.ts"],
      reporter: [["text", { skipFull: true }]],
      thresholds: { lines: 100, branches: 100, functions: 100, statements: 100 },
    },
  },
});
