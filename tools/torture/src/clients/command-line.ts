/** The command line: a process for each session, whose output and exit code are what its user has. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { JsonValue } from "@streamer/protocol";
import type { Client, Session } from "./session.ts";

const MAIN = fileURLToPath(new URL("../../../../packages/cli/src/main.ts", import.meta.url));

export const commandLine: Client = {
  name: "command line",
  atOnce: 4,
  async session({ url, token, signal }) {
    const asked = ["request", "torture.chain", "--payload", '{"n":1}', "--mode", "async", "--json", "--url", url, "--token", token];
    const { stdout } = await promisify(execFile)(process.execPath, ["--disable-warning=ExperimentalWarning", MAIN, ...asked], {
      signal,
    }).catch((error: unknown) => error as { readonly stdout: string });
    const lines = stdout.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line) as Line]));
    const outcome = lines.at(-1);
    return { id: outcome?.request_id ?? "none", result: outcome?.result, events: lines.slice(0, -1) };
  },
  async [Symbol.asyncDispose]() {},
};

type Line = Session["events"][number] & { readonly request_id?: string; readonly result?: JsonValue };
