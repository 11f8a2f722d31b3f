/** What hooks stand on, where a component comes back after the client has let go of what it showed. */
import { expect, it, vi } from "vitest";
import { connect } from "../src/index.ts";
import { createOwnedClient } from "../src/react/owned-client.ts";
import { storeOfReference, storeOfRun, type RunStore } from "../src/react/run-store.ts";
import { startPeer } from "./fake-peer.ts";
import { createManualClock } from "./manual-clock.ts";

/** For a condition: far longer than it takes, on a machine that is busy. */
const WAIT = { timeout: 100_000 };
const ack = { type: "acknowledgment", status: "queued", message: "", request_id: "r1", seq: 1 } as const;
const done = { type: "complete", request_id: "r1", result: 5, metadata: { attempts: 1, queue_ms: 0, run_ms: 1 } } as const;
const isSubscribe = ({ type }: { type: string }): boolean => type === "subscribe";
const shown = (store: RunStore<unknown>): unknown => {
  const { state } = store.getSnapshot();
  return [state?.status, state?.progress?.percentage];
};

it("keeps what it showed when its component comes back later, and goes on after it", async () => {
  await using peer = await startPeer();
  const clock = createManualClock();
  await using client = connect(peer.url, { token: "t", clock });
  const store = storeOfReference(client, "r1");
  const leave = store.subscribe(() => undefined);
  await peer.hear(isSubscribe);
  peer.say(ack);
  peer.say({ type: "progress", request_id: "r1", seq: 2, percentage: 40, attempt: 1 });
  await expect.poll(() => shown(store), WAIT).toEqual(["PROCESSING", 40]);
  leave();
  await expect.poll(() => clock.pending.includes(1_000), WAIT).toBe(true);
  clock.advance(1_000);
  await peer.hear(({ type }) => type === "unsubscribe");

  store.subscribe(() => undefined);
  expect(shown(store)).toEqual(["PROCESSING", 40]);
  expect(await peer.hear(isSubscribe, 2)).toMatchObject({ request_id: "r1", after: 2 });
  peer.say({ ...done, seq: 3 });
  await expect.poll(() => store.getSnapshot().state, WAIT).toMatchObject({ status: "COMPLETED", result: 5 });
});

it("does not ask again for what has ended", async () => {
  await using peer = await startPeer();
  await using client = connect(peer.url, { token: "t" });
  const run = client.request("work", 1, { id: "r1" });
  await peer.hear(({ type }) => type === "request");
  peer.say({ type: "response", request_id: "r1", success: true, data: 5, metadata: { processing_ms: 0 } });
  await run.result;
  const store = storeOfRun(client, run);
  store.subscribe(() => undefined)();
  store.subscribe(() => undefined);
  expect(store.getSnapshot()).toEqual({ run, state: run.state });
  expect(peer.heard.filter(isSubscribe)).toEqual([]);
});

it("closes a client that nobody holds any more, and connects anew when it is held again", async () => {
  await using peer = await startPeer();
  const tokens = ["first", "second"];
  const { client, hold } = createOwnedClient(peer.url, () => ({ token: () => tokens.shift()! }));
  const isOpen = (): boolean => client.state.status === "open";
  const letGo = hold();
  await expect.poll(isOpen, WAIT).toBe(true);
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  try {
    letGo();
    hold()();
    vi.advanceTimersByTime(999);
    expect(client.state.status).toBe("open");
    vi.advanceTimersByTime(1);
  } finally {
    vi.useRealTimers();
  }
  expect(client.state.status).toBe("connecting");
  expect(peer.offered).toHaveLength(1);
  hold();
  await expect.poll(isOpen, WAIT).toBe(true);
  expect(peer.offered.map((protocols) => protocols.at(-1))).toEqual(["bearer.first", "bearer.second"]);
  await client.close();
});
