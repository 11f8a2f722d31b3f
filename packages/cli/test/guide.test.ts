/** Every command in docs/guides/cli.md is run as it stands there, against a server like the one its text describes. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { EXIT } from "../src/exit.ts";
import { COMMANDS } from "../src/program.ts";
import { jsonLines, streamer } from "./command.ts";
import { streamerHere } from "./in-process.ts";

const guide = readFileSync(new URL("../../../docs/guides/cli.md", import.meta.url), "utf8");
const commands = [...guide.matchAll(/```sh\n([\s\S]*?)```/g)].flatMap(([, block = ""]) => block.trim().split("\n"));

it("the guide's examples run", async () => {
  const folder = mkdtempSync(join(tmpdir(), "streamer-guide-"));
  const [serving, ...others] = commands as [string, ...string[]];
  expect(serving).toMatch(/^streamer serve --port 8080 /);
  // The port may be in use here: the server takes a free one, and the commands are told by STREAMER_URL.
  const serve = streamer([...split(serving.replace("8080", "0")).slice(1), "--json"], { cwd: folder, patienceMs: 120_000 });
  const home = process.cwd();
  process.chdir(folder);
  try {
    await serve.printed('"token"');
    const env = { STREAMER_URL: String(jsonLines(serve.stdout)[0]!["url"]) };
    for (const command of others) {
      const [, stdin = "", line] = /^(?:echo '([^']*)' \| )?(.*)$/.exec(command) ?? [];
      const [name, ...args] = split(line ?? "");
      expect(name).toBe("streamer");
      const running = streamerHere(args, { env, stdin });
      expect([command, await running.exitCode, running.stderr]).toEqual([command, 0, expect.any(String)]);
    }
  } finally {
    process.chdir(home);
    serve.kill("SIGTERM");
    expect(await serve.ended).toBe(0);
    rmSync(folder, { recursive: true });
  }
});

it("the guide lists the commands in their order, each with a section, and the exit codes", () => {
  const verbs = COMMANDS.map(({ name }) => name);
  expect([...guide.matchAll(/^\| `([\w-]+)[ `]/gm)].map(([, verb]) => verb)).toEqual(verbs);
  const headings = [...guide.matchAll(/^## (.+)$/gm)].flatMap(([, heading = ""]) => heading.split(" and "));
  for (const verb of verbs) expect(headings).toContain(verb);
  const codes = [...guide.matchAll(/^\| (\d+) \|/gm)].map(([, code]) => Number(code));
  expect(codes).toEqual(Object.values(EXIT));
});

/** Words as a shell splits them, single quotes kept together. */
const split = (line: string): string[] => [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, word]) => quoted ?? word ?? "");
