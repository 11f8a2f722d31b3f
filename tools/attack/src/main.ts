/** `npm run attack [-- THEME…]`: attacks a server with an ordinary token, or none, and asks a bystander what it feels. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { readCommand, refuse, runCommand } from "@streamer/torture/command";
import { suiteOf } from "./suite-of.ts";
import { remoteTarget, ROLES, type Target } from "./target.ts";
import { THEMES } from "./themes/index.ts";

const HELP = `Usage: npm run attack -- [THEME…] [options]

Attacks \`streamer serve\` with its default limits, with an ordinary token or none, one theme after another, and checks
that a bystander of another tenant is answered within 50 ms (or 3 times what it is when nobody attacks) in 99 of 100
cases, that the server lives and serves newcomers, and that what it took is given back.

  --size ci|release   how much of it (default ci)
  --count N           how much, whatever the size says
  --seed N            repeats a run's decisions (default: a new one, which is printed)
  --record            appends the figures to tools/attack/results
  --json              prints one JSON object per theme instead of tables
  --list              prints the themes
  --url URL           attacks the server at this WebSocket address: yours, or one whose owner knows
  --tokens FILE       with --url: JSON of three tokens it trusts, "attacker", "colleague" (another user of the same tenant)
                      and "stranger" (of another tenant)
  --bound MS          the bystander's bound in place of 50 ms
  --help

Exit code 0: every promise was kept. 1: one was broken, or a theme could not be run. 2: bad arguments.
`;

const names = THEMES.map((theme) => ({ ...theme, fault: theme.does }));
const wanted = readCommand(names, HELP, { url: { type: "string" }, tokens: { type: "string" }, bound: { type: "string" } });
const { url, tokens, bound } = wanted.more as Readonly<Record<"url" | "tokens" | "bound", string | undefined>>;

function readTokens(path: string): Target["tokens"] {
  const read = JSON.parse(readFileSync(path, "utf8")) as Target["tokens"];
  const missing = ROLES.filter((role) => typeof read[role] !== "string");
  return missing.length === 0 ? read : refuse(`${path} has no token for ${missing.join(", ")}.`);
}

if ((url === undefined) !== (tokens === undefined)) refuse("--url and --tokens go together.");
const boundMs = bound === undefined ? 50 : Number(bound);
if (!(boundMs > 0)) refuse("--bound takes a number of milliseconds.");
const remote = url === undefined ? undefined : remoteTarget(url, readTokens(tokens!));
const themes = THEMES.filter((theme) => !remote || !theme.needsInside);
const suites = themes.map((theme) => suiteOf(theme, { boundMs, ...(remote && { remote }) }));
process.exitCode = (await runCommand(suites, wanted, join(import.meta.dirname, "../results"))) ? 0 : 1;
