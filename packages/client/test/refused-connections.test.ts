/** P13: a server that turns a connection away says why, and that decides whether and when the client comes back. */
import { expect, it } from "vitest";
import type { WireError } from "@streamer/protocol";
import { connect, StreamerError, type Client, type ConnectOptions } from "../src/index.ts";
import { afterEnd } from "../src/reconnect.ts";
import { startPeer, type FakePeer } from "./fake-peer.ts";
import { createManualClock } from "./manual-clock.ts";

const open = (peer: FakePeer, options: Partial<ConnectOptions> = {}): Client =>
  connect(peer.url, { token: "t0", random: () => 1, reconnect: { baseMs: 100, capMs: 350 }, ...options });

const stopping: WireError = { code: "SERVICE_UNAVAILABLE", message: "stopping", retry: { retryable: true, after_ms: 1_000 } };

it("P13 comes back by itself, no sooner than it was told to and later after each refusal, with all it was asked", async () => {
  await using peer = await startPeer();
  const clock = createManualClock();
  peer.refuseWith = stopping;
  await using client = open(peer, { clock });
  const run = client.request("work", 1, { id: "r1" });
  for (const [n, waitMs] of [1_200, 1_350, 1_350].entries()) {
    await expect
      .poll(() => client.state)
      .toMatchObject({
        status: "waiting",
        failures: n + 1,
        retryInMs: waitMs,
        error: { code: "SERVICE_UNAVAILABLE", message: "stopping" },
      });
    if (n === 2) peer.refuseWith = undefined;
    clock.advance(waitMs - 1);
    expect(peer.offered).toHaveLength(n + 1);
    clock.advance(1);
    await peer.until(() => peer.offered.length === n + 2);
  }
  await peer.hear(({ type }) => type === "request");
  peer.say({ type: "response", request_id: "r1", success: true, data: 5, metadata: { processing_ms: 0 } });
  expect(await run.result).toBe(5);
});

it("P13 the same when it had been welcomed", async () => {
  await using peer = await startPeer();
  const clock = createManualClock();
  await using client = open(peer, { clock });
  await expect.poll(() => client.state.status).toBe("open");
  peer.say({ type: "error", error: stopping });
  await peer.until(() => peer.pings === 1);
  peer.end(1012);
  await expect.poll(() => client.state).toMatchObject({ status: "waiting", failures: 0, retryInMs: 1_100 });
  clock.advance(1_100);
  await expect.poll(() => client.state.status).toBe("open");
});

it("an error that other frames followed is not why a connection ends", async () => {
  await using peer = await startPeer();
  await using client = open(peer, { clock: createManualClock() });
  await expect.poll(() => client.state.status).toBe("open");
  peer.say({ type: "error", error: { code: "UNAUTHORIZED", message: "not that" } });
  peer.say({ type: "pong" });
  peer.end(1012);
  await expect.poll(() => client.state).toMatchObject({ status: "waiting", retryInMs: 100, error: { code: "CANNOT_CONNECT" } });
});

it.each(["UNAUTHORIZED", "FORBIDDEN"] as const)(
  "%s ends a client with one token, and asks for another where there may be one",
  async (code) => {
    await using peer = await startPeer();
    peer.refuseWith = { code, message: "not with this token" };
    await using fixed = open(peer);
    const run = fixed.request("work");
    await expect(run.result).rejects.toMatchObject({ code });
    expect(fixed.state).toMatchObject({ status: "closed", error: { code, message: "not with this token" } });

    await using fresh = open(peer, {
      reconnect: { baseMs: 1 },
      token: () => {
        if (peer.offered.length === 2) peer.refuseWith = undefined;
        return `token${peer.offered.length}`;
      },
    });
    await expect.poll(() => fresh.state.status).toBe("open");
    expect(peer.offered.at(-1)).toContain("bearer.token2");
  },
);

it("no other code ends a client", () => {
  const options = { token: "t", random: () => 0, reconnect: { baseMs: 100, capMs: 350, maxAttempts: Infinity }, presence: online };
  for (const code of [
    "SERVICE_UNAVAILABLE",
    "RATE_LIMITED",
    "INTERNAL_ERROR",
    "STORAGE_ERROR",
    "INVALID_MESSAGE",
    "CANNOT_CONNECT",
  ] as const)
    expect(afterEnd(new StreamerError(code, ""), 1, options)).toBe(0);
});

const online = { isOffline: false, watch: () => () => undefined };
