/**
 * The Python client's own tests, against real servers that are started here: `python3 -m unittest`, and mypy over
 * everything.
 */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { API_GATEWAY_LIMITS } from "@streamer/protocol";
import { requireDebianPackages } from "../../../scripts/debian-packages.ts";
import { serve } from "./serve.ts";

const run = promisify(execFile);
const folder = fileURLToPath(new URL("..", import.meta.url));
const INSTALL_MS = 300_000;
const TESTS_MS = 180_000;

/** Debian's own, whatever else is called python3 here: its packages are for it. */
const PYTHON = "/usr/bin/python3";
const canImport = (...names: readonly string[]): Promise<boolean> =>
  run(PYTHON, ["-c", `import ${names.join(", ")}`]).then(
    () => true,
    () => false,
  );

/** What Python says on both its outputs, and that it went well. */
async function python(args: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<string> {
  const env = { ...process.env, ...environment, PYTHONPATH: "src", PYTHONDONTWRITEBYTECODE: "1" };
  const ended = run(PYTHON, args, { cwd: folder, env, timeout: TESTS_MS, maxBuffer: 16 * 1_048_576 });
  const { stdout, stderr } = await ended.catch((cause: { stdout: string; stderr: string }) => {
    throw new Error(`python3 ${args.join(" ")} failed:\n${cause.stdout}${cause.stderr}`, { cause });
  });
  return stdout + stderr;
}

const open = await Promise.all([serve({ options: { heartbeatMs: 60 } }), serve({ transport: API_GATEWAY_LIMITS })]);
const [plain, gateway] = open;

beforeAll(
  () => requireDebianPackages(["python3", "python3-websockets", "mypy"], () => canImport("asyncio.timeouts", "websockets", "mypy")),
  INSTALL_MS,
);
afterAll(async () => {
  await Promise.all(open.map(({ server }) => server.stop()));
});

it("passes its own tests", { timeout: TESTS_MS }, async () => {
  const said = await python(["-W", "error", "-m", "unittest", "discover", "--start-directory", "tests"], {
    STREAMER_URL: plain.served.url,
    STREAMER_TOKEN: plain.served.token,
    STREAMER_GATEWAY_URL: gateway.served.url,
    STREAMER_GATEWAY_TOKEN: gateway.served.token,
    STREAMER_NODE: process.execPath,
  });
  console.log(said.trim());
  expect(said).toMatch(/Ran \d+ tests/);
  expect(said).not.toContain("skipped");
});

it("is typed throughout", { timeout: TESTS_MS }, async () => {
  expect(await python(["-m", "mypy", "--cache-dir", "/dev/null"])).toContain("Success");
});
