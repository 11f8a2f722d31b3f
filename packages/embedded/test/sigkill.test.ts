/**
 * A server with work in progress is killed with SIGKILL again and again, at random moments, and started again on the
 * same folder and port. Two kinds of client live through it: the SDK, and a bare one that keeps everything it hears.
 * The seed is printed; STREAMER_SEED repeats a run's decisions.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, expect, it } from "vitest";
import { connect, type Client, type RunEvent } from "@streamer/client";
import { createRandom } from "@streamer/contract/random";
import { connectClient } from "./client.ts";
import { fixedPort, kill, startServer, type Life } from "./killable.ts";
import { createResumingClient, statusOf, type Event, type ResumingClient } from "./resuming-client.ts";
import { chainOf } from "./sigkill-work.ts";

const KILLS = 22;
/** A server lives this long between two deaths, in ms after it was ready. */
const LIFE_MS = [20, 700] as const;
const AT_ONCE = 6;
const seed = Number(process.env["STREAMER_SEED"] ?? Date.now() % 1_000_000);

interface Told {
  readonly id: string;
  readonly n: number;
  readonly events: readonly (Event | RunEvent)[];
  readonly status: "COMPLETED" | "CANCELLED" | "FAILED";
  readonly result: unknown;
}

/** Requests, one after the other, until `isOver`; every tenth is cancelled half way. */
async function useSdk(client: Client, lane: number, isOver: () => boolean): Promise<readonly Told[]> {
  const told: Told[] = [];
  for (let count = 0; !isOver(); count += 1) {
    const n = lane * 1_000 + count;
    const isEndless = n % 10 === 9;
    const run = client.request(isEndless ? "endless" : "chain", { n }, { id: `sdk-${n}`, mode: "async" });
    const events: RunEvent[] = [];
    const reading = (async () => {
      for await (const event of run.events) events.push(event);
    })();
    if (isEndless) void run.cancel("half way");
    const outcome = await run.result.then(
      (result) => ({ status: "COMPLETED" as const, result }),
      (error: { readonly code?: string }) => ({
        status: error.code === "CANCELLED" ? ("CANCELLED" as const) : ("FAILED" as const),
        result: error,
      }),
    );
    await reading;
    told.push({ id: `sdk-${n}`, n, events, ...outcome });
  }
  return told;
}

async function useRaw(client: ResumingClient, lane: number, isOver: () => boolean): Promise<readonly Told[]> {
  const told: Told[] = [];
  for (let count = 0; !isOver(); count += 1) {
    const n = lane * 1_000 + count;
    const isEndless = n % 10 === 9;
    const { id, events, ended } = client.request(`raw-${n}`, isEndless ? "endless" : "chain", { n }, n % 7 === 0 ? { delay_ms: 50 } : {});
    if (isEndless) client.cancel(id);
    const end = await ended;
    told.push({ id, n, events, status: statusOf(end), result: end.type === "complete" ? end.result : end });
  }
  return told;
}

const folders: string[] = [];
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true }))));

it(`P1 P2 P4 P5 P6 killed ${KILLS} times at random, no acknowledged request is lost, ended twice or told twice`, async () => {
  console.log(`sigkill: STREAMER_SEED=${seed}`);
  const random = createRandom(seed);
  const dataFolder = await mkdtemp(join(tmpdir(), "streamer-sigkill-"));
  folders.push(dataFolder);
  const port = await fixedPort(random);

  let life = await startServer(dataFolder, port);
  const sdk: Client = connect(life.url, { token: life.sdk, reconnect: { baseMs: 20, capMs: 100 } });
  const raw = createResumingClient();
  raw.connect(life.url, life.raw);
  let isOver = false;
  const lanes = Array.from({ length: AT_ONCE }, (_, lane) => [useSdk(sdk, lane, () => isOver), useRaw(raw, lane, () => isOver)]);

  for (let death = 0; death < KILLS; death += 1) {
    await delay(LIFE_MS[0] + random() * (LIFE_MS[1] - LIFE_MS[0]));
    await kill(life);
    life = await startServer(dataFolder, port);
    raw.connect(life.url, life.raw);
  }
  isOver = true;
  const told = (await Promise.all(lanes.flat())).flat();
  await sdk.close();
  raw.close();

  const stored = await readStories(life, told);
  await kill(life);

  for (const { id, n, events, status, result } of told) {
    const story = stored.get(id)!;
    const context = `${id}, seed ${seed}`;
    // P2: one end, the last event, and the one the client was told.
    const ends = story.filter(({ type }) => type === "complete" || type === "error");
    expect(ends.length, context).toBe(1);
    expect(story.at(-1), context).toBe(ends[0]);
    expect(status, context).toBe(n % 10 === 9 ? "CANCELLED" : "COMPLETED");
    expect(statusOf(ends[0]!), context).toBe(status);
    // P5, P6: what the client heard over all its connections is the log: nothing missing, nothing twice.
    const seqs = events.map((event) => ("seq" in event ? event.seq : 0));
    expect(seqs, context).toEqual([...new Set(seqs)].toSorted((a, b) => a - b));
    expect(durable(events), context).toEqual(durable(story));
    if (status === "COMPLETED") expectDone({ n, result }, story, context);
  }
  const interrupted = told.filter(({ id, n }) => attemptsOf(stored.get(id)!) > (n % 5 === 0 ? 2 : 1)).length;
  console.log(`sigkill: ${KILLS} kills, ${told.length} requests, ${interrupted} of them interrupted by a kill and completed after it`);
  expect(interrupted).toBeGreaterThan(0);
  expect(told.length).toBeGreaterThan(KILLS);
});

const attemptsOf = (story: readonly Event[]): number => story.findLast((event) => event.type === "complete")?.metadata.attempts ?? 0;
const durable = (events: readonly (Event | RunEvent)[]) => events.filter(({ type }) => type !== "progress");

/** The work was done: every link of the chain is there, whichever attempt made it. */
function expectDone({ n, result }: Pick<Told, "n" | "result">, story: readonly Event[], context: string): void {
  const chain = chainOf(n);
  expect(result, context).toEqual({ n, digest: chain.at(-1) });
  const sent = story.flatMap((event) => (event.type === "partial" ? [event.data] : []));
  expect([...new Set(sent)], context).toEqual(chain);
}

/** The whole log of every request, as somebody new reads it. */
async function readStories({ url, ...tokens }: Life, told: readonly Told[]): Promise<ReadonlyMap<string, readonly Event[]>> {
  const stories = new Map<string, readonly Event[]>();
  for (const user of ["sdk", "raw"] as const) {
    const reader = connectClient(url, tokens[user]);
    await reader.message("welcome");
    for (const { id } of told.filter((entry) => entry.id.startsWith(user))) {
      reader.send({ type: "subscribe", request_id: id });
      // One at a time: a reader in a hurry would be over the rate.
      const snapshot = await reader.message("snapshot", id);
      await reader.message(snapshot.status === "COMPLETED" ? "complete" : "error", id);
    }
    const events = reader.messages.filter(
      (message): message is Event & { readonly request_id: string } =>
        "seq" in message && message.seq !== undefined && message.type !== "snapshot" && "request_id" in message,
    );
    for (const [id, story] of Map.groupBy(events, ({ request_id }) => request_id)) stories.set(id, story);
    reader.socket.close();
  }
  return stories;
}
