/** What can be checked without a network: Node, the profile, the address, the token, the data folder. */
import { accessSync, constants, existsSync } from "node:fs";
import { findToken, findUrl } from "../access.ts";
import { EXIT, ExitError } from "../exit.ts";
import { profileFile, readProfile } from "../profile.ts";
import { formatSpan } from "../time-span.ts";
import { failed, ok, skipped, warning, type Check, type Context, type Finding } from "./check.ts";

/** The oldest that has all the server and the client use. */
const NODE_MAJOR = 24;
/** Below this a token may run out before the work it is for. */
const SHORT_LIFE_MS = 300_000;

export function nodeFinding(version: string): Finding {
  if (Number(/^v(\d+)/.exec(version)?.[1]) >= NODE_MAJOR) return ok(version);
  return failed(EXIT.failed, `${version} is too old.`, `Install Node ${NODE_MAJOR} or newer.`);
}

function findProfile({ options, env }: Context): Finding {
  try {
    const found = readProfile(options.profile, env);
    const file = profileFile(env);
    if (found) return ok(`"${found.name}" of ${file}`, { profile: found });
    return ok(existsSync(file) ? `none used: ${file} has no "default"` : `none used: ${file} does not exist`);
  } catch (error) {
    return failedBy(error);
  }
}

function readAddress({ options, env, facts }: Context): Finding {
  const { value, from } = findUrl(options, env, facts.profile);
  const url = URL.parse(value);
  if (!url || !/^(ws|http)s?:$/.test(url.protocol))
    return failed(
      EXIT.usage,
      `"${value}" (${from}) is not the address of a server.`,
      "It looks like ws://localhost:8080 or wss://api.example.com.",
    );
  url.protocol = url.protocol.replace("http", "ws");
  const message = `${url.href} (${from})`;
  if (url.protocol === "ws:" && !isLoopback(url.hostname))
    return warning(message, "Without TLS the token and all data travel readable to anybody on the way: use wss://.", { url });
  return ok(message, { url });
}

const isLoopback = (hostname: string): boolean => hostname === "localhost" || hostname === "[::1]" || hostname.startsWith("127.");

async function readToken({ options, env, facts }: Context): Promise<Finding> {
  try {
    const { value, from } = findToken(options, env, facts.profile);
    const found = typeof value === "string" ? value : await value();
    return tokenFinding(found, from, Date.now());
  } catch (error) {
    return failedBy(error);
  }
}

export function tokenFinding(found: string, from: string, nowMs: number): Finding {
  const claims = claimsOf(found);
  if (!claims)
    return failed(
      EXIT.unauthorized,
      `What ${from} gives is not a JSON Web Token.`,
      'It has three parts with dots between; "streamer token" mints one for development.',
    );
  const { sub, tenant_id: tenant = "default", exp } = claims;
  const who = `user "${String(sub)}", tenant "${String(tenant)}" (${from})`;
  if (typeof sub !== "string")
    return failed(EXIT.unauthorized, `The token (${from}) has no "sub": it says nothing of whose it is.`, "Get one that names its user.");
  if (typeof exp !== "number") return warning(`${who}, never expires`, "Most servers refuse a token without an end.", { token: found });
  const leftMs = exp * 1_000 - nowMs;
  if (leftMs <= 0)
    return failed(
      EXIT.unauthorized,
      `${who} expired ${formatSpan(-leftMs)} ago.`,
      "Get a new token. If it is new, this machine's clock is wrong.",
    );
  if (leftMs < SHORT_LIFE_MS)
    return warning(
      `${who}, valid for ${formatSpan(leftMs)} more`,
      "Following a request may outlast it: a profile's token_command or token_file is asked anew.",
      { token: found },
    );
  return ok(`${who}, valid for ${formatSpan(leftMs)} more`, { token: found });
}

function claimsOf(jwt: string): Readonly<Record<string, unknown>> | undefined {
  const [, payload, signature] = jwt.split(".");
  if (payload === undefined || signature === undefined) return undefined;
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, "base64url").toString());
    return typeof claims === "object" && claims !== null ? (claims as Readonly<Record<string, unknown>>) : undefined;
  } catch {
    return undefined;
  }
}

async function lookAtFolder({ options: { dataFolder: folder } }: Context): Promise<Finding> {
  if (!existsSync(folder)) return skipped(`there is no ${folder} here`);
  try {
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch {
    return failed(
      EXIT.failed,
      `${folder} cannot be written by you.`,
      "A server needs to: change its owner, or name another with --data-folder.",
    );
  }
  const { isInUse } = await import("@streamer/embedded");
  return ok(isInUse(folder) ? `${folder} is writable, and in use by a running server` : `${folder} is writable; no server uses it now`);
}

/** Of the machine that a server runs on: what its worker processes are kept within. */
async function lookAtWorkers({ options: { dataFolder: folder } }: Context): Promise<Finding> {
  if (!existsSync(folder)) return skipped("no server of this folder runs here");
  const { findConfinement } = await import("@streamer/embedded");
  const { told } = findConfinement();
  const message = told.map((one) => one.message).join("; ");
  if (told.every(({ state }) => state === "ok")) return ok(message);
  return warning(message, "Install util-linux, and let user namespaces be made (docs/guides/operating.md, Worker processes).");
}

function failedBy(error: unknown): Finding {
  return failed(error instanceof ExitError ? error.exitCode : EXIT.failed, error instanceof Error ? error.message : String(error));
}

export const LOCAL_CHECKS: readonly Check[] = [
  { name: "node", needs: [], look: () => nodeFinding(process.version) },
  { name: "profile", needs: [], look: findProfile },
  { name: "data folder", needs: [], look: lookAtFolder },
  { name: "workers", needs: [], look: lookAtWorkers },
  { name: "address", needs: [], look: readAddress },
  { name: "token", needs: [], look: readToken },
];
