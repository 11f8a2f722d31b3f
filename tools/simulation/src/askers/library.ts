/**
 * A user whose program uses the TypeScript client as it is: over a WebSocket of the simulated network, by the clock of the
 * world. What the client makes of it all must be what happened: every promise settles, with the right end, every stream in order.
 */
import { connect, isStreamerError, type Client, type Run } from "@streamer/client";
import { someMs } from "../chance.ts";
import type { Report } from "../invariants/findings.ts";
import type { Witness } from "../invariants/witness.ts";
import { createWitness, type WitnessParts } from "../invariants/witness.ts";
import type { Identity, Network } from "../network.ts";
import { payloadOf } from "../script.ts";
import type { SimulatedWorld } from "../world.ts";
import { createSocketClass } from "./socket.ts";
import type { Users } from "./users.ts";
import { drawWish, judge, type Wish } from "./wish.ts";

export interface LibraryParts {
  readonly world: SimulatedWorld;
  readonly network: Network;
  readonly identity: Identity;
  readonly witness: Omit<WitnessParts, "connectionId" | "identity">;
}

/** Refused for now: a program asks again. */
const PASSES: ReadonlySet<string> = new Set(["RATE_LIMITED", "STORAGE_ERROR", "SERVICE_UNAVAILABLE", "INTERNAL_ERROR"]);

export function createLibraryUser({ world, network, identity, witness: witnessed }: LibraryParts): Users {
  const { schedule, plan } = world;
  const { report } = witnessed;
  const who = `${identity.owner.tenantId}/${identity.owner.userId}`;
  const chance = world.chance(`program ${who}`);
  const pending = new Map<string, string>();
  let client: Client | undefined;
  let witness: Witness | undefined;
  let isResting = false;

  function start(): Client {
    return connect("ws://simulation.test/", {
      token: "simulated",
      WebSocket: createSocketClass({
        network,
        identity,
        tell: world.tell,
        onDial: (connectionId) => (witness = createWitness({ ...witnessed, identity, connectionId })),
      }),
      clock: { monotonic: () => schedule.now, after: (ms, call) => schedule.after(Math.max(1, ms), call) },
      random: chance,
      presence: { isOffline: false, watch: () => () => undefined },
    });
  }

  async function follow(wish: Wish, run: Run): Promise<void> {
    pending.set(wish.id, "its result");
    void inOrder(wish, run, report);
    try {
      const result = await run.result;
      world.tell(identity.device, `has the result of ${wish.id}`);
      judge(wish, "complete", result as never, report);
    } catch (error) {
      if (!isStreamerError(error)) throw error;
      world.tell(identity.device, `has the error of ${wish.id}: ${error.code}`);
      if (error.code === "CLIENT_CLOSED") return;
      if (PASSES.has(error.code) && !isResting) {
        pending.set(wish.id, "to be asked for again");
        schedule.after((error.retry?.after_ms ?? 500) + chance() * 1_000, () => client && ask(wish, client));
        return;
      }
      judge(wish, error.code, undefined, report);
    }
    pending.delete(wish.id);
  }

  function ask(wish: Wish, by: Client): void {
    const {
      mode,
      priority,
      delay_ms: delayMs,
      timeout_ms: timeoutMs,
      max_attempts: maxAttempts,
      idempotency_key: idempotencyKey,
    } = wish.options;
    const wanted = { id: wish.id, mode, priority, delayMs, timeoutMs, maxAttempts, idempotencyKey };
    const given = Object.fromEntries(Object.entries(wanted).filter(([, value]) => value !== undefined));
    world.tell(identity.device, `asks its client for ${wish.id}`);
    const run = by.request(wish.action, payloadOf(wish.script), given);
    void follow(wish, run);
    if (plan.features.has("cancels") && chance.happens(0.3)) schedule.after(someMs(chance, 1, 5_000), () => cancel(wish, run));
  }

  function cancel(wish: Wish, run: Run): void {
    if (isResting || wish.state === "over") return;
    wish.isCancelled = true;
    const name = `the receipt of ${wish.id}`;
    pending.set(name, "of its cancellation");
    world.tell(identity.device, `cancels ${wish.id}`);
    void run.cancel().then(
      () => pending.delete(name),
      () => pending.delete(name),
    );
  }

  function question(by: Client, name: string): void {
    pending.set(name, "an answer");
    const asked = chance.oneOf([() => by.list({ limit: 3 }), () => by.get("r1"), () => by.actions()]);
    witnessed.ids.add("r1");
    void asked().then(
      () => pending.delete(name),
      () => pending.delete(name),
    );
  }

  return {
    begin: () => {
      client = start();
      for (let count = 1; count <= plan.requestsPerUser; count += 1) {
        schedule.after(chance() * plan.activeMs * 0.8, () => {
          if (isResting || !client) return;
          ask(drawWish(world.chance(`wish ${who} ${count}`), plan, { who, id: `r${count}` }), client);
          if (plan.features.has("questions")) question(client, `question ${count}`);
        });
      }
    },
    rest: () => {
      isResting = true;
    },
    get waitFor() {
      return [
        ...Array.from(pending, ([id, what]) => `${identity.device}: its client waits for ${id}, ${what}`),
        ...(witness?.unanswered ?? []).map((what) => `${identity.device}: ${what}`),
      ];
    },
    close: () => void client?.close(),
  };
}

/** Everything that the client tells of one request, in its order. */
async function inOrder({ id, script }: Wish, run: Run, report: Report): Promise<void> {
  let seq = 0;
  for await (const event of run.events) {
    if (!("seq" in event) || event.seq === undefined || event.type === ("snapshot" as string)) continue;
    if (event.seq <= seq) report("P5", `the client of ${script.who} tells seq ${event.seq} of ${id} after ${seq}`);
    seq = event.seq;
  }
}
