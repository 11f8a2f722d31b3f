import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    globalSetup: "scripts/temporary-folder.ts",
    include: [
      "packages/*/src/**/*.test.ts",
      "packages/*/test/**/*.test.ts",
      "tools/*/src/**/*.test.ts",
      "tools/*/test/**/*.test.ts",
      "apps/*/test/**/*.test.ts",
      "examples/**/*.test.ts",
      "scripts/**/*.test.ts",
      "clients/*/test/**/*.test.ts",
    ],
    typecheck: { enabled: false },
    // What hangs is ended; what is slow on a machine that does much else is not.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    execArgv: ["--disable-warning=ExperimentalWarning"],
  },
});
