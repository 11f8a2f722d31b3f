/** Each example, copied into a folder of their own, is one command. */
import { cpSync } from "node:fs";
import { basename, join } from "node:path";
import { expect, it } from "vitest";
import type { Outside } from "./published.ts";

const EXAMPLES = join(import.meta.dirname, "../../../examples");
/** What each says once it runs, and what it ends with: those that serve are told to end. */
const EXPECTED = [
  { name: "hello", says: /^Serving at ws:/m, isServer: true },
  { name: "react", says: /^Reports at http:/m, isServer: true },
  { name: "plain-client", says: /^complete \{"sum"/m, isServer: false },
] as const;

export function describeExamples(outside: () => Outside): void {
  it.each(EXPECTED)("$name starts by one command outside the tree", async ({ name, says, isServer }) => {
    using stranger = outside().stranger();
    const isNoTest = (path: string): boolean => !path.endsWith(".test.ts") && basename(path) !== "node_modules";
    cpSync(join(EXAMPLES, name), stranger.folder, { recursive: true, filter: isNoTest });
    stranger.install();
    await using example = stranger.start("npm", ["start"], { env: { PORT: "0" } });
    const [said] = await example.prints(says);
    if (isServer) example.signal("SIGTERM");
    const code = await example.ended;
    expect([said, isServer || code === 0]).toEqual([expect.stringMatching(says), true]);
  });
}
