/** Core is driven by its own tests and by the contract on this engine: together they reach every line and branch of it. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const VITEST = fileURLToPath(new URL("../../../node_modules/vitest/vitest.mjs", import.meta.url));

it("no branch of core is left that no test reaches: `npm run coverage` names them", { timeout: 300_000 }, async () => {
  const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("VITEST")));
  const run = promisify(execFile)(process.execPath, [VITEST, "run", "--config", "packages/core/coverage.config.ts", "--no-color"], {
    cwd: ROOT,
    env: { ...environment, NODE_ENV: "test" },
    maxBuffer: 64 * 1_048_576,
  });
  const { stdout } = await run.catch((error: unknown) => error as { readonly stdout: string });
  expect(stdout.slice(-20_000)).toContain("No files with missing coverage.");
});
