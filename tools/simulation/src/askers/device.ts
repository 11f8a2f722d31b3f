/**
 * One device of a user, on the bare protocol: it asks for its wishes, connects again when it is cut off, resumes or sends
 * again, and by chance cancels, asks questions and misbehaves. What it is told is checked by a witness.
 */
import type { ServerMessage } from "@streamer/protocol";
import { someMs, type Chance } from "../chance.ts";
import { createWitness, type Witness, type WitnessParts } from "../invariants/witness.ts";
import type { ClientLink, Identity, Network } from "../network.ts";
import type { SimulatedWorld } from "../world.ts";
import { hear, requestFrame, type Wish } from "./wish.ts";

export interface DeviceParts {
  readonly world: SimulatedWorld;
  readonly network: Network;
  readonly identity: Identity;
  readonly chance: Chance;
  readonly witness: Omit<WitnessParts, "connectionId" | "identity">;
  /** Those of its user, by id. */
  readonly wishes: Map<string, Wish>;
}

export interface Device {
  /** Asks for a wish, and looks after it from now on. */
  want(wish: Wish): void;
  /** Looks after a wish that another device asked for. */
  adopt(wish: Wish): void;
  release(id: string): void;
  /** One thing that a user might do. */
  act(): void;
  /** Nothing of its own is cut off or slow any more: what it still waits for at the end. */
  readonly waitsFor: readonly string[];
  close(): void;
}

const GARBAGE = [
  "",
  "null",
  "[]",
  "{",
  '{"type":"nothing"}',
  '{"type":"cancel"}',
  '{"action":1}',
  `{"type":"ping","ref":"${"x".repeat(200)}"}`,
  `${"[".repeat(40)}${"]".repeat(40)}`,
  '{"type":"list","limit":1e999}',
];

export function createDevice({ world, network, identity, chance, witness: witnessed, wishes }: DeviceParts): Device {
  const { schedule, plan } = world;
  const { features } = plan;
  const haste = world.chance(`haste of ${identity.device}`);
  const own = new Map<string, Wish>();
  let link: ClientLink | undefined;
  let witness: Witness | undefined;
  let isOpen = false;
  let isGreeted = false;
  let isClosed = false;
  let refCount = 0;
  /** Whose frames are to be said again. */
  let stumbledOn: ClientLink | undefined;
  const subscriptions = new Set<string>();
  /** Requests that this connection follows already. */
  let followed = new Set<string>();

  const ref = (): string => `${identity.device}-${(refCount += 1)}`;

  function send(text: string): void {
    if (!link || !witness) return;
    world.tell(identity.device, `sends ${text.slice(0, 400)}`);
    witness.sent(text);
    link.send(text);
  }

  function ask(wish: Wish): void {
    followed.add(wish.id);
    send(requestFrame(wish));
  }

  function subscribe({ foundAs }: Wish, after: number): void {
    const by = ref();
    subscriptions.add(by);
    send(JSON.stringify({ type: "subscribe", request_id: foundAs, after, ref: by }));
  }

  function take(wish: Wish): void {
    if (wish.state === "over") return;
    const resendsAll = features.has("resends") && chance.happens(0.3);
    if (wish.state === "asked" || resendsAll) return ask(wish);
    followed.add(wish.foundAs);
    subscribe(wish, chance.happens(0.7) ? wish.seq : 0);
  }

  function dial(): void {
    if (isClosed) return;
    [isOpen, isGreeted] = [false, false];
    followed = new Set();
    const dialled = network.dial(identity, {
      onOpen: () => {
        if (link !== dialled) return;
        isOpen = true;
        if (witnessed.transport === "api-gateway") send(JSON.stringify({ type: "ping", ref: ref() }));
        for (const wish of own.values()) take(wish);
      },
      onText: (text) => link === dialled && told(text),
      onClose: (code) => {
        if (link !== dialled) return;
        world.tell(identity.device, `has lost ${dialled.connectionId}, ${code}`);
        [link, witness, isOpen] = [undefined, undefined, false];
        schedule.after(someMs(chance, 10, 3_000), dial);
      },
    });
    link = dialled;
    witness = createWitness({ ...witnessed, identity, connectionId: dialled.connectionId });
  }

  function told(text: string): void {
    world.tell(identity.device, `hears ${text.slice(0, 400)}`);
    const message = witness?.told(text);
    if (message === "failure") return stumble();
    if (!message) return;
    if (message.type === "welcome") isGreeted = true;
    for (const wish of concerned(message)) {
      hear(wish, message, witnessed.report);
      if (message.type === "error" && features.has("redrives") && canBeRetried(wish) && haste.happens(0.3))
        schedule.after(someMs(haste, 1, 3_000), () => own.get(wish.id) === wish && !world.faults.isHealed && retry(wish));
      if (message.type === "error" && message.seq === undefined) refused(wish, message);
      if (message.type === "response" && wish.state !== "over") later(wish, message.error?.retry?.after_ms);
    }
  }

  /** A gateway's function failed on some frame: what is unanswered is said again, in a while. */
  function stumble(): void {
    const on = link;
    if (stumbledOn === on) return;
    stumbledOn = on;
    schedule.after(500 + chance() * 3_000, () => {
      if (stumbledOn === on) stumbledOn = undefined;
      if (link !== on) return;
      for (const text of witness?.unansweredTexts ?? []) send(text);
      for (const wish of own.values()) again(wish);
    });
  }

  function concerned(message: ServerMessage): readonly Wish[] {
    const id = "request_id" in message ? message.request_id : undefined;
    if (id === undefined) return [];
    const named = message.type === "snapshot" ? message.ref : undefined;
    return Array.from(wishes.values()).filter(
      (wish) => wish.foundAs === id || wish.id === named || (message.type === "acknowledgment" && wish.id === id),
    );
  }

  /** Sends it again after a while, whoever is connected then. */
  function later(wish: Wish, afterMs = 1_000): void {
    schedule.after(afterMs + chance() * 1_000, () => {
      if (own.get(wish.id) !== wish || !link) return;
      if (wish.state === "asked") ask(wish);
      else again(wish);
    });
  }

  function refused(wish: Wish, { error, ref: about }: ServerMessage<"error">): void {
    for (const id of [wish.id, wish.foundAs]) followed.delete(id);
    const isGone = error.code === "NOT_FOUND" || error.code === "EXPIRED";
    if (about !== undefined) {
      // A question about it: only a subscription has to be repeated.
      if (isGone && subscriptions.has(about)) Object.assign(wish, { state: "over", ending: wish.ending ?? error.code });
      else if (error.retry?.retryable && wish.state === "durable")
        schedule.after((error.retry.after_ms ?? 500) + chance() * 1_000, () => again(wish));
      return;
    }
    if (wish.state !== "asked") {
      if (error.retry?.retryable && wish.state === "durable") again(wish);
      return;
    }
    if (error.retry?.retryable) return later(wish, error.retry.after_ms);
    Object.assign(wish, { state: "over", ending: error.code });
  }

  function again(wish: Wish): void {
    if (link && wish.state === "durable" && own.has(wish.id)) subscribe(wish, wish.seq);
  }

  const anyWish = (): Wish | undefined => (own.size === 0 ? undefined : chance.oneOf(Array.from(own.values())));

  function cancel(wish = anyWish()): void {
    if (!wish || !link || wish.state === "over" || wish.foundAs !== wish.id) return;
    for (const other of wishes.values())
      if (other.foundAs === wish.foundAs || other.options.idempotency_key !== undefined) other.isCancelled = true;
    send(JSON.stringify({ type: "cancel", request_id: wish.id, ref: ref(), ...(chance.happens(0.3) && { reason: "changed my mind" }) }));
  }

  const canBeRetried = ({ state, hasFailed, seq }: Wish): boolean => state === "over" && hasFailed && seq > 0;

  function redrive(): void {
    const failed = Array.from(own.values()).filter(canBeRetried);
    if (failed.length > 0) retry(chance.oneOf(failed));
  }

  function retry(wish: Wish): void {
    if (!link || !canBeRetried(wish)) return;
    send(JSON.stringify({ type: "retry", request_id: wish.foundAs, ref: ref() }));
  }

  function question(): void {
    const id = chance.happens(0.8) ? (anyWish()?.foundAs ?? "nobody") : `r${chance.below(9)}`;
    witnessed.ids.add(id);
    send(
      JSON.stringify(
        chance.oneOf([
          { type: "get", request_id: id, ref: ref() },
          { type: "list", limit: chance.within(1, 5), ref: ref() },
          { type: "ping", ref: ref() },
          { type: "actions", ref: ref() },
        ]),
      ),
    );
  }

  /** Asks twice on one connection for what is under way, or was just answered, perhaps for another route: it is the same. */
  function resend(): void {
    const wish = anyWish();
    if (!wish) return;
    if (wish.state === "over") {
      if (wish.ending !== "complete" || features.has("short-retention")) return;
      // Answered at once by a process that has died since, it is run again, and may end otherwise.
      if (wish.seq === 0) Object.assign(wish, { state: "asked", ending: undefined });
    }
    const { delay_ms: delayMs, idempotency_key: idempotencyKey } = wish.options;
    const isFree = delayMs === undefined && idempotencyKey === undefined;
    const mode = isFree && haste.happens(0.5) ? haste.oneOf(["sync", "async"] as const) : wish.options.mode;
    followed.add(wish.id);
    send(requestFrame({ ...wish, options: { ...wish.options, ...(mode && { mode }) } }));
  }

  /** From its beginning, and at once from where it is. */
  function lookTwice(): void {
    const wish = anyWish();
    if (wish?.state !== "durable") return;
    subscribe(wish, 0);
    subscribe(wish, wish.seq);
  }

  function misbehave(): void {
    send(chance.oneOf(GARBAGE));
  }

  function flood(): void {
    for (let count = chance.within(5, 30); count > 0; count -= 1) send(JSON.stringify({ type: "ping", ref: ref() }));
  }

  const acts: readonly (readonly [isOn: boolean, act: () => void])[] = [
    [features.has("cancels"), cancel],
    [features.has("cancels"), cancel],
    [features.has("redrives"), redrive],
    [features.has("questions"), question],
    [features.has("resends"), resend],
    [features.has("resends") && !features.has("redrives"), lookTwice],
    [features.has("garbage"), misbehave],
    [features.has("floods"), flood],
  ];
  const possible = acts.filter(([isOn]) => isOn);

  dial();
  return {
    want: (wish) => {
      own.set(wish.id, wish);
      if (!isOpen) return;
      ask(wish);
      if (features.has("cancels") && haste.happens(0.3))
        schedule.after(haste.happens(0.3) ? 0 : someMs(haste, 1, 5_000), () => cancel(wish));
    },
    adopt: (wish) => {
      own.set(wish.id, wish);
      if (isOpen && !followed.has(wish.foundAs) && !followed.has(wish.id)) take(wish);
    },
    release: (id) => void own.delete(id),
    act: () => {
      if (possible.length > 0 && link && isGreeted) chance.oneOf(possible)[1]();
    },
    get waitsFor() {
      const open = Array.from(own.values()).filter(
        ({ state, options }) => state === "asked" || (state === "durable" && options.subscribe !== false),
      );
      return [
        ...open.map(({ id, state }) => `${identity.device}: wish ${id} is ${state}`),
        ...(witness?.unanswered ?? []).map((what) => `${identity.device} on ${link?.connectionId}: ${what}`),
      ];
    },
    close: () => {
      isClosed = true;
      link?.close();
      [link, witness, isOpen] = [undefined, undefined, false];
    },
  };
}
