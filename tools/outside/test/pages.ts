/** The client in pages: through what people bundle with, with either React, and one copy of it. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { launchChromium } from "../../../scripts/chromium.ts";
import { frameworkFiles, type Session } from "./frameworks.ts";
import type { Outside } from "./published.ts";
import type { Stranger } from "../src/stranger.ts";

const PAGE = join(import.meta.dirname, "../strangers/page");
const page = (name: string): string => readFileSync(join(PAGE, name), "utf8");
/** A page that is bundled before it is served. */
const bundledPage = page("index.html").replace("/main.tsx", "/main.js");
const REACTS = { 18: "18.3.1", 19: "19.3.1" } as const;

interface Bundler {
  readonly packages: readonly string[];
  readonly files: Readonly<Record<string, string>>;
  readonly command: readonly string[];
}

const JSX_LOADER = `export default function (source) {
  const { transformSync } = this.getOptions().esbuild;
  return transformSync(source, { loader: "tsx", jsx: "automatic" }).code;
}`;
const BUNDLERS: Readonly<Record<string, Bundler>> = {
  vite: {
    packages: ["vite@8.4.0", "@vitejs/plugin-react@6.3.0"],
    files: {
      "index.html": page("index.html"),
      "vite.config.js": 'import react from "@vitejs/plugin-react";\nexport default { plugins: [react()], logLevel: "warn" };',
    },
    command: ["vite", "build"],
  },
  esbuild: {
    packages: ["esbuild@0.28.2"],
    files: { "dist/index.html": bundledPage },
    command: [
      "esbuild",
      "main.tsx",
      "--bundle",
      "--format=esm",
      "--target=chrome120,firefox121,safari17.4",
      "--jsx=automatic",
      "--outfile=dist/main.js",
      "--log-level=warning",
    ],
  },
  webpack: {
    packages: ["webpack@5.113.0", "webpack-cli@7.3.1", "esbuild@0.28.2"],
    files: {
      "dist/index.html": bundledPage,
      "loader.js": JSX_LOADER,
      "webpack.config.js": `import * as esbuild from "esbuild";
        export default { mode: "production", entry: "./main.tsx", experiments: { topLevelAwait: true },
          output: { filename: "main.js" }, performance: { hints: false }, stats: "errors-warnings",
          module: { rules: [{ test: /\\.tsx$/, use: [{ loader: "./loader.js", options: { esbuild } }] }] } };`,
    },
    command: ["webpack"],
  },
};

export function describePages(outside: () => Outside): void {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(() => browser.close());

  it.each([
    ["vite", 19],
    ["vite", 18],
    ["esbuild", 19],
    ["webpack", 19],
  ] as const)("a page bundled by %s with React %i shows a bar that moves, and stops what it asked for", async (name, major) => {
    using stranger = outside().stranger();
    const { packages, files, command } = BUNDLERS[name]!;
    const react = REACTS[major];
    stranger.install("@streamer/embedded", "@streamer/client", "zod", "express@5.3.0", `react@${react}`, `react-dom@${react}`, ...packages);
    stranger.write({ ...frameworkFiles(), ...files, "main.tsx": page("main.tsx") });
    stranger.runWell("npx", [...command]);
    expect(copiesOfReact(stranger)).toBe(1);

    await using server = stranger.start("node", ["express.js"]);
    const [line] = await server.prints(/^\{.*\}$/m);
    const { origin } = new URL((JSON.parse(line) as Session).url.replace(/^ws/, "http"));
    const tab = await browser.newPage();
    try {
      const errors: string[] = [];
      tab.on("pageerror", ({ message }) => errors.push(message));
      await tab.goto(origin);
      const said = (text: string) => tab.waitForFunction((wanted) => document.querySelector("output")?.textContent === wanted, text);
      const bar = (): Promise<number> => tab.$eval("progress", ({ value }) => value);
      await tab.click("#start");
      await tab.waitForFunction(() => {
        const { value } = document.querySelector("progress")!;
        return value > 0 && value < 100;
      });
      const first = await bar();
      await tab.waitForFunction((least) => document.querySelector("progress")!.value > least, first);
      await said('{"words":90}');
      await tab.click("#start");
      await tab.waitForFunction(() => {
        const { value } = document.querySelector("progress")!;
        return value > 0 && value < 100;
      });
      await tab.click("#cancel");
      await said("CANCELLED");
      expect(errors).toEqual([]);
    } finally {
      await tab.close();
    }
  });
}

function copiesOfReact(stranger: Stranger): number {
  const paths = stranger.runWell("npm", ["ls", "react", "--all", "--parseable"]).trim().split("\n");
  return new Set(paths).size;
}
