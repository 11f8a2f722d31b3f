/** streamer deploy against an app that is already synthesised: what is said before, and when, AWS cannot be reached. */
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { jsonLines, streamer } from "./command.ts";

const APP = fileURLToPath(new URL("fixture-app", import.meta.url));
const home = mkdtempSync(join(tmpdir(), "streamer-home-"));
// No credentials anywhere, and no machine to ask for a role.
const env = { HOME: home, AWS_EC2_METADATA_DISABLED: "true" };
const AUTH = ["--jwks", "https://id.example.com/jwks.json"];

async function deploy(
  ...args: readonly string[]
): Promise<{ readonly exitCode: number; readonly stdout: string; readonly stderr: string }> {
  const running = streamer(["deploy", ...args], { cwd: home, env });
  const exitCode = await running.ended;
  return { exitCode, stdout: running.stdout, stderr: running.stderr };
}

describe("streamer deploy", () => {
  it("has help with examples", async () => {
    const { exitCode, stdout } = await deploy("--help");
    expect(exitCode).toBe(0);
    for (const option of ["--stage", "--region", "--profile", "--synth-only", "--json", "--context", "Examples:"])
      expect(stdout).toContain(option);
  });

  it("makes and checks without AWS, and says where", async () => {
    const { exitCode, stdout } = await deploy("--app", APP, "--synth-only", "--json");
    expect(exitCode).toBe(0);
    expect(jsonLines(stdout)).toEqual([{ type: "outcome", stage: "dev", stack: "Streamer-dev", assembly: join(APP, "cdk.out") }]);
  });

  it("says what to do without credentials, as text and as JSON, with exit code 5", async () => {
    const text = await deploy("--app", APP, ...AUTH);
    expect([text.exitCode, text.stdout]).toEqual([5, ""]);
    expect(text.stderr).toMatch(/There are no AWS credentials that work\. Log in first: `aws configure`/);
    const json = await deploy("--app", APP, ...AUTH, "--json");
    expect(json.exitCode).toBe(5);
    expect(jsonLines(json.stderr).at(-1)).toMatchObject({ type: "error", error: { code: "NO_CREDENTIALS" } });
  });

  it.each([
    [["--app", APP], /Whose tokens are accepted\? Give --jwks or --public-key/],
    [["--app", home, ...AUTH], /There is no CDK app in .*--app/s],
    [["--app", APP, ...AUTH, "--public-key", "key.pem"], /one of --jwks and --public-key/],
    [["--app", APP, "--public-key", "nowhere.pem"], /--public-key names nowhere\.pem, which does not exist/],
    [["--app", APP, ...AUTH, "-c", "novalue"], /--context is name=value, not "novalue"/],
    [["--app", APP, ...AUTH, "--arch", "sparc"], /Allowed choices are arm64, x86_64/],
  ])("refuses %j before anything is built", async (args, message) => {
    writeFileSync(join(home, "key.pem"), "");
    const { exitCode, stderr } = await deploy(...args);
    expect([exitCode, stderr]).toEqual([2, expect.stringMatching(message)]);
  });
});
