/** streamer deploy: the stack of apps/infra on AWS, by the CDK; what it needs to know is checked before anything is built. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { Option, type Command } from "commander";
import { contextOf, runCdk } from "../cdk.ts";
import { EXIT, EXIT_HELP, ExitError, usage } from "../exit.ts";
import type { Shell } from "../shell.ts";
import { createTerminal, type Terminal } from "../terminal.ts";
import { gather } from "../values.ts";
import manifest from "../../package.json" with { type: "json" };

interface DeployOptions {
  readonly stage: string;
  readonly region?: string;
  readonly profile?: string;
  readonly handlers?: string;
  readonly arch: "arm64" | "x86_64";
  readonly jwks?: string;
  readonly publicKey?: string;
  readonly issuer?: string;
  readonly audience?: string;
  readonly allowOrigin?: readonly string[];
  readonly context?: readonly string[];
  readonly synthOnly?: boolean;
  readonly yes?: boolean;
  readonly app?: string;
  readonly json?: boolean;
}

/** Only a clone of the repository has it. */
const REPOSITORY_APP = fileURLToPath(new URL("../../../../apps/infra", import.meta.url));

const HELP = `
Credentials are the AWS CLI's: its environment variables, its files, or the role of the machine. Each account and region
is prepared once with: npx cdk bootstrap aws://ACCOUNT/REGION. All settings are in docs/deploy-aws.md.

Examples:
  $ streamer deploy --synth-only
  $ streamer deploy --stage dev --region eu-west-1 --jwks https://id.example.com/jwks.json --issuer https://id.example.com/
  $ streamer deploy --stage production --public-key ./key.pem --issuer https://id.example.com/ --audience streamer --handlers ./my-handlers.ts
  $ streamer deploy --stage production --jwks https://id.example.com/jwks.json --issuer https://id.example.com/ --audience streamer --yes --json
${EXIT_HELP}`;

export function define(command: Command, shell: Shell): void {
  command
    .description("Deploy to AWS: API Gateway, Lambda, DynamoDB, SQS and S3, by the CDK.")
    .option("--stage <name>", "names the stack: dev, production, …", "dev")
    .option("--region <region>", "AWS region (default: the AWS CLI's)")
    .option("--profile <name>", "profile of the AWS CLI")
    .option("--handlers <module>", "module that exports `handlers` (default: those Streamer ships)")
    .addOption(new Option("--arch <architecture>", "of the functions").choices(["arm64", "x86_64"]).default("arm64"))
    .option("--jwks <url>", "trust tokens of this key set")
    .option("--public-key <file>", "trust tokens of this PEM public key")
    .option("--issuer <issuer>", "accept tokens of this issuer alone; needed but on stages named dev…, test… or local…")
    .option("--audience <audience>", "accept tokens for this audience alone; needed as the issuer is")
    .option("--allow-origin <origins>", "browser origins that may connect, with commas or several times (default: none)", gather)
    .option("-c, --context <name=value>", "any other setting of the stack, several times", gatherPairs)
    .option("--synth-only", "make the bundles and the template, check them, and stop: needs no AWS")
    .option("--yes", "deploy without asking when permissions widen")
    .option("--app <folder>", "the CDK app: a folder with a cdk.json (default: apps/infra of Streamer's repository)")
    .option("--json", "print one JSON line when done: stage, stack, outputs")
    .addHelpText("after", HELP)
    .action((options: DeployOptions) => deploy(options, shell));
}

async function deploy(options: DeployOptions, shell: Shell): Promise<void> {
  const terminal = createTerminal(shell, options.json);
  const appFolder = options.app === undefined ? repositoryApp() : resolve(options.app);
  const context = settingsOf(options);
  const stack = `Streamer-${options.stage}`;
  const contextArgs = Object.entries(context).flatMap(([name, value]) => ["--context", `${name}=${value}`]);
  const profile = options.profile === undefined ? [] : ["--profile", options.profile];
  const env = options.region === undefined ? {} : { AWS_REGION: options.region, AWS_DEFAULT_REGION: options.region };
  const run = (args: readonly string[]): Promise<void> => runCdk({ appFolder, args: [...args, ...profile, ...contextArgs], env, terminal });

  if (options.synthOnly) {
    await run(["synth", stack, "--strict", "--quiet"]);
    const assembly = join(appFolder, "cdk.out");
    if (terminal.json) terminal.printJson({ type: "outcome", stage: options.stage, stack, assembly });
    else terminal.print(`${stack} is in ${assembly}, checked and ready to deploy.`);
    return;
  }

  const known = contextOf(appFolder);
  if ([context, known].every(({ jwksUrl, publicKey }) => jwksUrl === undefined && publicKey === undefined))
    throw usage("Whose tokens are accepted? Give --jwks or --public-key: without either nobody could connect.");
  noteCredentials(terminal, options);
  const folder = mkdtempSync(join(tmpdir(), "streamer-deploy-"));
  try {
    const outputsFile = join(folder, "outputs.json");
    const approval = options.yes ? ["--require-approval", "never"] : [];
    await run(["deploy", stack, "--outputs-file", outputsFile, ...approval]);
    const outputs = readOutputs(outputsFile, stack);
    if (terminal.json) terminal.printJson({ type: "outcome", stage: options.stage, stack, outputs });
    else for (const [name, value] of Object.entries(outputs)) terminal.print(`${name.padEnd(16)} ${value}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function repositoryApp(): string {
  if (existsSync(REPOSITORY_APP)) return REPOSITORY_APP;
  const scope = manifest.name.split("/")[0];
  throw new ExitError(
    EXIT.usage,
    `There is no CDK app here: without --app this deploys the one of Streamer's repository, and this command was installed from npm. Make Streamer a stack of a CDK app of your own, by \`createStreamerStack\` of ${scope}/aws/cdk, and run \`npx cdk deploy\` there; or clone the repository; or name an app's folder with --app.`,
    "NO_APP",
  );
}

/** Unlike lists of names, values may have commas. */
const gatherPairs = (text: string, before: readonly string[] | undefined): readonly string[] => [...(before ?? []), text];

/** The stack's settings as context. Paths are meant from here, and the CDK runs elsewhere. */
function settingsOf(options: DeployOptions): Readonly<Record<string, string>> {
  const { stage, arch, handlers, jwks, publicKey, issuer, audience, allowOrigin = [], context = [] } = options;
  if (jwks !== undefined && publicKey !== undefined) throw usage("Give one of --jwks and --public-key, not both.");
  for (const [option, path] of Object.entries({ "--handlers": handlers, "--public-key": publicKey }))
    if (path !== undefined && !existsSync(path)) throw usage(`${option} names ${path}, which does not exist.`);
  const more = context.map((pair) => {
    const at = pair.indexOf("=");
    if (at < 1) throw usage(`--context is name=value, not "${pair}".`);
    return [pair.slice(0, at), pair.slice(at + 1)] as const;
  });
  return {
    stage,
    arch,
    ...(handlers !== undefined && { handlers: resolve(handlers) }),
    ...(jwks !== undefined && { jwksUrl: jwks }),
    ...(publicKey !== undefined && { publicKey: `@${resolve(publicKey)}` }),
    ...(issuer !== undefined && { issuer }),
    ...(audience !== undefined && { audience }),
    ...(allowOrigin.length > 0 && { allowedOrigins: allowOrigin.join(",") }),
    ...Object.fromEntries(more),
  };
}

/** Bundling takes a while: who has no credentials learns it before, and who has a machine's role is not stopped. */
function noteCredentials(terminal: Terminal, { profile }: DeployOptions): void {
  const { env } = process;
  const inEnvironment = ["AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"];
  const home = env["HOME"] ?? env["USERPROFILE"] ?? "";
  const files = [
    env["AWS_SHARED_CREDENTIALS_FILE"] ?? join(home, ".aws", "credentials"),
    env["AWS_CONFIG_FILE"] ?? join(home, ".aws", "config"),
  ];
  if (profile !== undefined || inEnvironment.some((name) => env[name]) || files.some((file) => existsSync(file))) return;
  terminal.note("No AWS credentials in the environment or in ~/.aws: trying the role of this machine.");
}

function readOutputs(path: string, stack: string): Readonly<Record<string, string>> {
  const outputs = JSON.parse(readFileSync(path, "utf8")) as Readonly<Record<string, Readonly<Record<string, string>>>>;
  return outputs[stack] ?? {};
}
