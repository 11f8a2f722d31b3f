/**
 * The client's half of torture against any server of `streamer.v1`, by its address: docs/protocol.md §12. It assumes
 * nothing else of the server, and reports loss, duplication and disorder as the end client saw them.
 */
import { parseArgs } from "node:util";
import { createRandom } from "../src/random.ts";
import {
  createAsker,
  cuts,
  neverReaders,
  overload,
  storm,
  type TrialOutcome,
  type TrialTarget,
  type TrialTerms,
} from "../src/torture/index.ts";
import { createSigner } from "./access.ts";

const HELP = `Usage: npm run torture -- --url URL [TRIAL…] [options]

Runs cuts, storm, never-readers, overload (or those TRIALs) against a server at an address.

  --url URL           ws://… or wss://…
  --token TOKEN       a token that the server accepts; without, one is signed with STREAMER_SIGNING_KEY or STREAMER_SECRET
  --action NAME       what is asked for (default contract.story, echo or what asks for least, of what the server lists)
  --payload JSON      with this payload (default {})
  --api-gateway       the server is behind one: an event may come again (§6.1)
  --cuts N            how many cuts (default 200; every byte when that is more than there are)
  --clients N         for storm and never-readers (default 100)
  --seconds N         of overload (default 15)
  --seed N            repeats a run's decisions (default: a new one, which is printed)
  --json              prints one JSON object per trial instead of tables
  --help

Exit code 0: every promise was kept. 1: one was broken, or the server could not be asked. 2: bad arguments.
`;

const TRIALS = ["cuts", "storm", "never-readers", "overload"] as const;
const ASKED_MS = 10_000;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    url: { type: "string" },
    token: { type: "string" },
    action: { type: "string" },
    payload: { type: "string", default: "{}" },
    "api-gateway": { type: "boolean", default: false },
    cuts: { type: "string", default: "200" },
    clients: { type: "string", default: "100" },
    seconds: { type: "string", default: "15" },
    seed: { type: "string" },
    json: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

function refuse(text: string): never {
  console.error(text);
  process.exit(2);
}
const whole = (name: string, text: string): number => (/^\d{1,9}$/.test(text) ? Number(text) : refuse(`--${name} takes a whole number.`));

function payloadOf(text: string): TrialTarget["payload"] {
  try {
    return JSON.parse(text) as TrialTarget["payload"];
  } catch {
    return refuse("--payload takes JSON.");
  }
}

/** What does most on the way of what the server lists, and needs nothing. */
async function chooseAction(url: string, token: string): Promise<string> {
  const asker = createAsker({ url, token });
  try {
    const timeUp = new Promise<never>((_, reject) => {
      setTimeout(() => reject(new Error(`${url} did not welcome this token within ${ASKED_MS} ms.`)), ASKED_MS).unref();
    });
    await Promise.race([asker.ready, timeUp]);
    const listed = await Promise.race([asker.ask({ type: "actions", ref: "actions" }), timeUp]);
    const names = listed.type === "actions" ? listed.items.map(({ action }) => action) : [];
    const chosen = ["contract.story", "echo", "contract.echo"].find((name) => names.includes(name));
    if (chosen === undefined) throw new Error(`Name what to ask for with --action (and --payload); the server lists ${names.join(", ")}.`);
    return chosen;
  } finally {
    asker.close();
  }
}

if (values.help) {
  console.log(HELP);
  process.exit(0);
}
const url = values.url ?? refuse("--url is the server's address, ws://… or wss://….");
if (!/^wss?:\/\//.test(url) || !URL.canParse(url)) refuse(`"${url}" is no address of a server: ws://… or wss://….`);
const unknown = positionals.filter((name) => !TRIALS.some((trial) => trial === name));
if (unknown.length > 0) refuse(`There is no trial "${unknown.join('", "')}"; there are ${TRIALS.join(", ")}.`);
const seed = values.seed === undefined ? Date.now() % 1_000_000_000 : whole("seed", values.seed);
const counts = { cuts: whole("cuts", values.cuts), clients: whole("clients", values.clients), seconds: whole("seconds", values.seconds) };
const payload = payloadOf(values.payload);
const given = values.token;
const token =
  given === undefined
    ? createSigner({ keyFile: process.env["STREAMER_SIGNING_KEY"], secret: process.env["STREAMER_SECRET"] })
    : (): Promise<string> => Promise.resolve(given);

const stop = new AbortController();
process.once("SIGINT", () => stop.abort());
process.once("SIGTERM", () => stop.abort());
const asked =
  values.action ??
  (await token("torture-actions")
    .then((own) => chooseAction(url, own))
    .catch((error: Error) => {
      console.error(error.message);
      process.exit(1);
    }));
const target: TrialTarget = {
  url,
  token,
  action: asked,
  payload,
  mayRepeat: values["api-gateway"],
};
const terms: TrialTerms = { random: createRandom(seed), signal: stop.signal, tell: (text) => console.error(`  ${text}`) };
const run: Readonly<Record<(typeof TRIALS)[number], () => Promise<TrialOutcome>>> = {
  cuts: () => cuts(target, { ...terms, cuts: counts.cuts }),
  storm: () => storm(target, { ...terms, clients: counts.clients }),
  "never-readers": () => neverReaders(target, { ...terms, clients: counts.clients }),
  overload: () => overload(target, { ...terms, seconds: counts.seconds }),
};
let isBroken = false;
if (!values.json) console.log(`${url}, asked for ${target.action} (--seed ${seed})`);
for (const trial of TRIALS) {
  if (stop.signal.aborted || (positionals.length > 0 && !positionals.includes(trial))) continue;
  const { rows, broken } = await run[trial]();
  isBroken ||= broken.length > 0;
  if (values.json) {
    console.log(JSON.stringify({ trial, seed, action: target.action, rows, broken }));
    continue;
  }
  console.table(rows);
  for (const text of broken) console.log(`BROKEN ${text}`);
}
if (stop.signal.aborted) console.error("Stopped before it was done.");
process.exitCode = isBroken || stop.signal.aborted ? 1 : 0;
