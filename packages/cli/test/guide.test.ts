/** Every command in docs/guides/cli.md is run as it stands there, against a server like the one its text describes. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { jsonLines, streamer } from "./command.ts";

const guide = readFileSync(new URL("../../../docs/guides/cli.md", import.meta.url), "utf8");
const commands = [...guide.matchAll(/```sh\n([\s\S]*?)```/g)].flatMap(([, block = ""]) => block.trim().split("\n"));

it("the guide's examples run", async () => {
  const folder = mkdtempSync(join(tmpdir(), "streamer-guide-"));
  const [serving, ...others] = commands as [string, ...string[]];
  expect(serving).toMatch(/^streamer serve --port 8080 /);
  // The port may be in use here: the server takes a free one, and the commands are told by STREAMER_URL.
  const serve = streamer([...split(serving.replace("8080", "0")).slice(1), "--json"], { cwd: folder });
  try {
    await serve.printed('"token"');
    const env = { STREAMER_URL: String(jsonLines(serve.stdout)[0]!["url"]) };
    for (const command of others) {
      const [, stdin = "", line] = /^(?:echo '([^']*)' \| )?(.*)$/.exec(command) ?? [];
      const [name, ...args] = split(line ?? "");
      expect(name).toBe("streamer");
      const running = streamer(args, { cwd: folder, env, stdin });
      expect([command, await running.ended, running.stderr]).toEqual([command, 0, expect.any(String)]);
    }
  } finally {
    serve.kill("SIGTERM");
    expect(await serve.ended).toBe(0);
    rmSync(folder, { recursive: true });
  }
}, 60_000);

it("the guide lists every command and exit code the help does", async () => {
  const help = streamer(["--help"], { cwd: tmpdir() });
  expect(await help.ended).toBe(0);
  const verbs = [...help.stdout.matchAll(/^ {2}(\w[\w-]*) \[/gm)].map(([, verb]) => verb!).filter((verb) => verb !== "help");
  expect(verbs).toHaveLength(7);
  for (const verb of verbs) expect(guide).toMatch(new RegExp(`^\\| \`${verb}[ \`]`, "m"));
  const codes = [...help.stdout.matchAll(/^ {2}(\d+) {2}/gm)].map(([, code]) => code!);
  expect(codes).toHaveLength(7);
  for (const code of codes) expect(guide).toContain(`| ${code} |`);
});

/** Words as a shell splits them, single quotes kept together. */
const split = (line: string): string[] => [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, word]) => quoted ?? word ?? "");
