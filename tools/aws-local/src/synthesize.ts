/**
 * Makes an assembly of a CDK app as `cdk synth` does, by the variables that the CDK toolkit sets, in a third of its time:
 * for this machine's architecture, because the functions run here.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";

export interface Synthesis {
  /** Folder with the cdk.json. */
  readonly app: string;
  readonly outFolder: string;
  /** As `-c name=value`. */
  readonly context?: Readonly<Record<string, string>>;
}

/** How many run at once is said by the dials: this machine has no room for what an account has. */
const UNRESERVED = { messageConcurrency: 0, connectConcurrency: 0 };
/** Whose tokens are accepted is decided at each start; the stack only has to tell its functions. */
const REPLACED_KEY = "replaced when the local run starts";

interface CdkJson {
  readonly app: string;
  readonly context?: Readonly<Record<string, unknown>>;
}

export async function synthesize({ app, outFolder, context = {} }: Synthesis): Promise<void> {
  const { app: command, context: settled = {} } = JSON.parse(readFileSync(join(app, "cdk.json"), "utf8")) as CdkJson;
  const [program = "", ...parts] = command.split(" ");
  const all = { ...settled, arch: process.arch === "arm64" ? "arm64" : "x86_64", publicKey: REPLACED_KEY, ...UNRESERVED, ...context };
  const child = spawn(program === "node" ? process.execPath : program, parts, {
    cwd: app,
    env: { ...process.env, CDK_OUTDIR: outFolder, CDK_CONTEXT_JSON: JSON.stringify(all) },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const said: string[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (data: Buffer) => said.push(data.toString("utf8")));
  const [code] = (await once(child, "close")) as [number | null];
  if (code !== 0) throw new Error(`The CDK app in ${app} could not be synthesised:\n${said.join("").trim().slice(-2_000)}`);
}
