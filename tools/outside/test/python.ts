/** The Python client as a wheel: built and installed with what Debian has, without network, in an environment of its own. */
import { execFile } from "node:child_process";
import { cpSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { beforeAll, expect, it } from "vitest";
import { requireDebianPackages } from "../../../scripts/debian-packages.ts";
import type { Outside } from "./published.ts";

const ROOT = join(import.meta.dirname, "../../..");
const CLIENT = join(ROOT, "clients/python");
/** Debian's own, whatever else is called python3 here: its packages are for it. */
const PYTHON = "/usr/bin/python3";
const DEBIAN = ["python3", "python3-venv", "python3-build", "python3-hatchling", "python3-websockets"];
const INSTALL_MS = 300_000;

const isThere = (): Promise<boolean> =>
  promisify(execFile)(PYTHON, ["-c", "import asyncio.timeouts, build, ensurepip, hatchling, venv, websockets"]).then(
    () => true,
    () => false,
  );

const SERVER = `import { startServer, defineHandler } from "@streamer/embedded";
import { z } from "zod";

const estimatePi = defineHandler({
  action: "estimate_pi",
  input: z.object({ points: z.int() }),
  run({ points }, ctx) {
    ctx.report(50, "half");
    return { pi: Math.PI, points };
  },
});
const server = await startServer({ handlers: [estimatePi], dataFolder: "data", port: 0, logLevel: "silent" });
console.log(server.url, await server.developmentToken({ userId: "me" }));
`;

/** The README's lines, in a program that has what they name. */
function readmeProgram(): string {
  const [, sample] = /^```python\n([^]*?)^```$/m.exec(readFileSync(join(ROOT, "README.md"), "utf8")) ?? [];
  if (!sample?.includes("connect(")) throw new Error("README.md has no sample in Python.");
  return `import asyncio, sys
from streamer_client import connect

url, token = sys.argv[1:]
def show(percentage, message):
    print(f"{percentage:.0f} {message}")

async def main():
${sample.replace(/^(?=.)/gm, "    ")}
    print(f"pi: {pi}")

asyncio.run(main())
`;
}

export function describePython(outside: () => Outside): void {
  beforeAll(() => requireDebianPackages(DEBIAN, isThere), INSTALL_MS);

  it("a wheel of the client is installed without network, and the README's sample runs", async () => {
    using stranger = outside().stranger();
    // Built from a copy: what a build leaves behind is no part of the tree.
    cpSync(CLIENT, join(stranger.folder, "client"), { recursive: true, filter: (path) => !/__pycache__|\.mypy_cache/.test(path) });
    // Not checked: Debian's hatchling says that it needs "editables", which Debian has not got, and a wheel does not need.
    stranger.runWell(PYTHON, ["-m", "build", "--no-isolation", "--skip-dependency-check", "--outdir", "wheels", "client"]);
    const built = readdirSync(join(stranger.folder, "wheels"));
    const wheel = built.find((name) => name.endsWith("-py3-none-any.whl"))!;
    expect(built.toSorted()).toEqual([wheel, wheel.replace("-py3-none-any.whl", ".tar.gz")]);

    stranger.runWell(PYTHON, ["-m", "venv", "--system-site-packages", "environment"]);
    const python = join(stranger.folder, "environment/bin/python");
    stranger.runWell(python, ["-m", "pip", "install", "--no-index", "--quiet", join("wheels", wheel)]);
    const files = stranger.runWell(python, ["-m", "pip", "show", "--files", "streamer-client"]);
    expect(files).toContain("streamer_client/py.typed");
    expect(files).toMatch(/dist-info\/licen[cs]e/i);
    expect(files).not.toMatch(/tests?\//);

    stranger.install("@streamer/embedded", "zod");
    stranger.write({ "server.js": SERVER, "sample.py": readmeProgram() });
    await using server = stranger.start("node", ["server.js"]);
    const [, url, token] = await server.prints(/^(ws:\S+) (\S+)$/m);
    expect(stranger.runWell(python, ["sample.py", url!, token!])).toMatch(/pi: 3\.14159\d+\n$/);
  });
}
