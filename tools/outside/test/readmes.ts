/** What each package says of itself is true: its README's samples are run as they stand there. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import type { Outside } from "./published.ts";

const ROOT = join(import.meta.dirname, "../../..");
const CDK_APP = readFileSync(join(import.meta.dirname, "../strangers/cdk-app.js.txt"), "utf8");

/** A sample is a file with a name, or what is typed in a terminal. */
function sample(packageName: string, name: string): string {
  const readme = readFileSync(join(ROOT, "packages", packageName, "README.md"), "utf8");
  const [, rest] = readme.split(`<!-- ${name} -->\n`);
  const text = rest && /^```\w+\n([^]*?)^```$/m.exec(rest)?.[1];
  if (!text) throw new Error(`packages/${packageName}/README.md has no sample ${name}.`);
  return text;
}

const TSCONFIG = {
  compilerOptions: { target: "es2024", module: "nodenext", types: ["node"], strict: true, noEmit: true, allowImportingTsExtensions: true },
  files: ["server.ts", "client.ts"],
};
const SESSION = /^(ws:\S+) (\S+)$/m;

export function describeReadmes(outside: () => Outside): void {
  it("of core, embedded and client are one program, typed from end to end", async () => {
    using stranger = outside().stranger();
    stranger.install("@streamer/core", "@streamer/embedded", "@streamer/client", "zod", "typescript@7", "@types/node@24");
    stranger.write({
      "handlers.ts": sample("core", "handlers.ts"),
      "server.ts": sample("embedded", "server.ts"),
      "client.ts": sample("client", "client.ts"),
      "tsconfig.json": JSON.stringify(TSCONFIG),
    });
    expect(stranger.runWell("npx", ["tsc", "-p", "."])).toBe("");
    await using server = stranger.start("node", ["server.ts"], { env: { PORT: "0" } });
    const [, url, token] = await server.prints(SESSION);
    expect(stranger.runWell("node", ["client.ts", url!, token!])).toMatch(/100 % 2 of 2\n\{ words: 3 \}\n$/);
    server.signal("SIGTERM");
    expect(await server.ended).toBe(0);
  });

  it("of handlers and cli serve, and answer in a terminal", async () => {
    using stranger = outside().stranger();
    stranger.install("@streamer/embedded", "@streamer/handlers", "@streamer/cli");
    console.log(`@streamer/handlers and @streamer/cli: ${(stranger.installedBytes() / 1_048_576).toFixed(0)} MiB`);
    stranger.write({ "shop.ts": sample("handlers", "shop.ts") });
    await using shop = stranger.start("node", ["shop.ts"], { env: { PORT: "0" } });
    const [, url, token] = await shop.prints(SESSION);
    const payload = JSON.stringify({ start_date: "2025-01-01", end_date: "2025-12-31" });
    stranger.runWell("npx", ["streamer", "request", "generate_report", "--payload", payload, "--out", "reports"], {
      env: { STREAMER_URL: url!, STREAMER_TOKEN: token! },
    });
    expect(stranger.runWell("ls", ["reports"])).toMatch(/\.pdf$/m);
    const typed = sample("cli", "terminal").trim().split("\n");
    const said = typed.map((line) => stranger.runWell("sh", ["-c", line], { env: { STREAMER_URL: url!, STREAMER_TOKEN: token! } }));
    expect(said).toEqual([expect.stringContaining("generate_report"), expect.stringContaining("world"), expect.stringContaining("echo")]);
  });

  it("of aws is the CDK app that is synthesised here", () => {
    expect(sample("aws", "app.js")).toBe(CDK_APP);
  });
}
