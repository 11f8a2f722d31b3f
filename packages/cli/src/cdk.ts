/**
 * Runs the CDK of an app folder as a child process, and turns what it fails with into what to do about it. What it says
 * goes to stderr as it comes: a deployment takes minutes, and stdout is for the result.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { delimiter, dirname, join } from "node:path";
import { EXIT, ExitError, usage } from "./exit.ts";
import type { Terminal } from "./terminal.ts";

export interface CdkRun {
  readonly appFolder: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Says nothing while it runs, with --json. */
  readonly terminal: Terminal;
}

interface Failure {
  readonly pattern: RegExp;
  readonly code: string;
  readonly exitCode: number;
  readonly advice: string;
}

const CREDENTIALS =
  "Log in first: `aws configure` or `aws sso login`, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; choose among several with --profile.";

const FAILURES: readonly Failure[] = [
  {
    pattern: /token (is|has) expired|ExpiredToken|session has expired|SSO session .* expired/i,
    code: "CREDENTIALS_EXPIRED",
    exitCode: EXIT.unauthorized,
    advice: `The AWS credentials have expired. ${CREDENTIALS}`,
  },
  {
    pattern: /Unable to resolve AWS account|no credentials|could not load credentials|profile .*(not found|does not exist)/i,
    code: "NO_CREDENTIALS",
    exitCode: EXIT.unauthorized,
    advice: `There are no AWS credentials that work. ${CREDENTIALS}`,
  },
  {
    pattern: /(region is missing|unable to (determine|resolve) .*region|no region)/i,
    code: "NO_REGION",
    exitCode: EXIT.usage,
    advice: "No AWS region is chosen. Give --region, such as --region eu-west-1.",
  },
  {
    pattern: /has not been bootstrapped|bootstrap stack version|\/cdk-bootstrap\//i,
    code: "NOT_BOOTSTRAPPED",
    exitCode: EXIT.failed,
    advice: "This account and region have not been prepared for the CDK. Once for each: npx cdk bootstrap aws://ACCOUNT/REGION",
  },
  {
    pattern: /require-approval|terminal \(TTY\) is not attached/i,
    code: "NOT_APPROVED",
    exitCode: EXIT.usage,
    advice: "The deployment widens permissions and nobody can be asked here. Look with `cdk diff`, then give --yes.",
  },
  {
    pattern: /is not authorized to perform|AccessDenied/i,
    code: "ACCESS_DENIED",
    exitCode: EXIT.failed,
    advice: "The AWS credentials may not do this. docs/deploy-aws.md has the role a deployment needs.",
  },
];

/** Enough of the end of what was said to hold the reason. */
const KEPT_CHARACTERS = 20_000;

export async function runCdk({ appFolder, args, env, terminal }: CdkRun): Promise<void> {
  const cdk = findCdk(appFolder);
  const { PATH = "" } = process.env;
  const child = spawn(process.execPath, [cdk, ...args], {
    cwd: appFolder,
    // cdk starts the app with `node`: the one that runs this, which is new enough.
    env: {
      ...process.env,
      ...env,
      PATH: [dirname(process.execPath), PATH].join(delimiter),
      ...(process.stderr.isTTY && { FORCE_COLOR: "1" }),
    },
    // Its questions reach a person; its stdout is news, not our result.
    stdio: ["inherit", terminal.json ? "ignore" : process.stderr, "pipe"],
  });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said = (said + text).slice(-KEPT_CHARACTERS);
    if (!terminal.json) terminal.relay(text);
  });
  const [exitCode, signal] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
  if (signal !== null || exitCode === 130) throw new ExitError(EXIT.cancelled, "The CDK was stopped.", "CANCELLED");
  if (exitCode !== 0) throw failureOf(said);
}

function failureOf(said: string): ExitError {
  const found = FAILURES.find(({ pattern }) => pattern.test(said));
  const reason = said.trim().split("\n").slice(-3).join("\n");
  if (!found) return new ExitError(EXIT.failed, `The CDK failed:\n${reason}`, "DEPLOY_FAILED");
  return new ExitError(found.exitCode, `${found.advice}\nThe CDK said: ${reason}`, found.code);
}

function findCdk(appFolder: string): string {
  if (!existsSync(join(appFolder, "cdk.json")))
    throw usage(
      `There is no CDK app in ${appFolder}: it has no cdk.json. Run this in a checkout of Streamer, or name the app's folder with --app.`,
    );
  const find = createRequire(join(appFolder, "package.json"));
  try {
    return find.resolve("aws-cdk/bin/cdk");
  } catch (cause) {
    throw new ExitError(EXIT.failed, `aws-cdk is not installed for ${appFolder}. Run npm ci there.`, "NO_CDK", { cause });
  }
}

/** Values of the context in the app's cdk.json. */
export function contextOf(appFolder: string): Readonly<Record<string, unknown>> {
  const path = join(appFolder, "cdk.json");
  if (!existsSync(path)) return {};
  const { context = {} } = JSON.parse(readFileSync(path, "utf8")) as { readonly context?: Readonly<Record<string, unknown>> };
  return context;
}
