/** What is built and published works for strangers: in their own folders, with their own settings. */
import { readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { describeCdk } from "./cdk.ts";
import { describeExamples } from "./examples.ts";
import { describeFrameworks } from "./frameworks.ts";
import { describePacked } from "./packed.ts";
import { describePages } from "./pages.ts";
import { describePython } from "./python.ts";
import { useOutside } from "./published.ts";
import { describeReadmes } from "./readmes.ts";

const outside = useOutside();
const STRANGERS = join(import.meta.dirname, "../strangers");
const FIRST_SERVER = readFileSync(join(STRANGERS, "first-server.ts"), "utf8");
const TSCONFIG = {
  compilerOptions: {
    target: "es2024",
    lib: ["es2024", "dom", "dom.iterable", "esnext.disposable"],
    types: ["node"],
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    verbatimModuleSyntax: true,
    skipLibCheck: false,
    noEmit: true,
  },
  files: ["server.ts"],
};

const MIB = 1_024 * 1_024;
/** What a server takes on disk without the handlers that ship: a promise of the README. */
const MOST_SERVER_MIB = 15;

describe("a server and a client", () => {
  it("are one install each, small, and run in TypeScript as they are", () => {
    using stranger = outside().stranger();
    const ms = stranger.install("@streamer/embedded");
    const mib = stranger.installedBytes() / MIB;
    console.log(`@streamer/embedded: ${mib.toFixed(1)} MiB installed in ${(ms / 1_000).toFixed(1)} s`);
    expect(mib).toBeLessThan(MOST_SERVER_MIB);
    stranger.install("@streamer/client", "zod");
    stranger.write({ "server.ts": FIRST_SERVER });
    expect(stranger.runWell("node", ["server.ts"])).toMatch(/^(\d+ \d+ of 30\n){3,}words: 90\ncancelled: CANCELLED\n$/);
  });

  it.each([22, 24] as const)("run in plain JavaScript on Node %i", (major) => {
    using stranger = outside().stranger(major === 22 ? { node: 22 } : undefined);
    expect(stranger.runWell("node", ["-v"])).toMatch(`v${major}.`);
    stranger.install("@streamer/embedded", "@streamer/client", "zod");
    stranger.write({ "server.js": stripTypeScriptTypes(FIRST_SERVER) });
    expect(stranger.runWell("node", ["server.js"])).toMatch(/^(\d+ \d+ of 30\n){3,}words: 90\ncancelled: CANCELLED\n$/);
  });

  it.each(["5.9", "7"])("compile with TypeScript %s, strict, by either way to resolve", (version) => {
    using stranger = outside().stranger();
    stranger.install("@streamer/embedded", "@streamer/client", "@streamer/core", "zod", `typescript@${version}`, "@types/node@24");
    stranger.write({ "server.ts": FIRST_SERVER });
    for (const [module, moduleResolution] of [
      ["nodenext", "nodenext"],
      ["esnext", "bundler"],
    ] as const) {
      stranger.write({
        "tsconfig.json": JSON.stringify({ ...TSCONFIG, compilerOptions: { ...TSCONFIG.compilerOptions, module, moduleResolution } }),
      });
      expect(stranger.runWell("npx", ["tsc", "-p", "."])).toBe("");
    }
  });
});

describe("examples", () => {
  describeExamples(outside);
});
describe("what is packed", () => {
  describePacked(outside);
});
describe("samples in READMEs", () => {
  describeReadmes(outside);
});
describe("Python", () => {
  describePython(outside);
});
describe("a server of their own", () => {
  describeFrameworks(outside);
});
describe("pages", () => {
  describePages(outside);
});
describe("an account of their own", () => {
  describeCdk(outside);
});
