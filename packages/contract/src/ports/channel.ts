/** ConnectionManager: the way out to each connection. A slow or vanished client hurts nobody else (P11). */
import { expect } from "vitest";
import { turnsOfTheLoop } from "../clock.ts";
import type { ContractTest } from "../harness.ts";

/** More than any engine should hold for one client. */
const ENOUGH_FRAMES = 4_000;
const FRAME_BYTES = 16_384;

const frame = (n: number, pad = ""): { text: string } => ({ text: JSON.stringify({ n, pad }) });
const numbers = (received: readonly string[]): number[] => received.map((text) => (JSON.parse(text) as { n: number }).n);

export function channelContract(test: ContractTest): void {
  test("P5 frames to one connection arrive once, in the order sent", async ({ engine: { channel }, connectClient }) => {
    const [one, two] = [await connectClient(), await connectClient()];
    const outcomes = [];
    for (let n = 0; n < 100; n += 1) outcomes.push(Promise.resolve(channel.send(one.connectionId, frame(n))));
    expect(new Set(await Promise.all(outcomes))).toEqual(new Set(["sent"]));
    await turnsOfTheLoop();
    expect(numbers(one.received)).toEqual(Array.from({ length: 100 }, (_, n) => n));
    expect(two.received).toEqual([]);
  });

  test("a connection that is no more is gone", async ({ engine: { channel }, connectClient }) => {
    const client = await connectClient();
    client.vanish();
    expect(await channel.send(client.connectionId, frame(1))).toBe("gone");
    expect(await channel.send("never-was", frame(1))).toBe("gone");
    await channel.close("never-was", 1000, "nobody there");
  });

  test("a closed connection is told why, and is gone", async ({ engine: { channel }, connectClient }) => {
    const client = await connectClient();
    await channel.close(client.connectionId, 1008, "too many refused messages");
    await turnsOfTheLoop();
    expect(client.closed).toEqual({ code: 1008, reason: "too many refused messages" });
    expect(await channel.send(client.connectionId, frame(1))).toBe("gone");
  });

  test("P11 behind a slow client newer progress takes the place of older, and nothing else is lost", async ({
    engine: { channel },
    connectClient,
  }) => {
    const client = await connectClient();
    client.pause();
    const durable: number[] = [];
    for (let n = 0; n < 2_000; n += 1) {
      if (n % 100 === 0) {
        durable.push(n);
        await channel.send(client.connectionId, frame(n));
      } else {
        expect(await channel.send(client.connectionId, { ...frame(n, "p".repeat(FRAME_BYTES)), coalesceKey: `k${n % 2}` })).toBe("sent");
      }
    }
    client.resume();
    await turnsOfTheLoop(50);
    const got = numbers(client.received);
    expect(got.filter((n) => n % 100 === 0)).toEqual(durable);
    expect(got).toContain(1_998);
    expect(got).toContain(1_999);
    for (const parity of [0, 1]) {
      const progress = got.filter((n) => n % 100 !== 0 && n % 2 === parity);
      expect(progress).toEqual(progress.toSorted((a, b) => a - b));
    }
    expect(got.length).toBeLessThan(1_000);
  });

  test("P11 over the limit a slow connection is closed, while others are served", async ({ engine: { channel }, connectClient }) => {
    const [slow, fast] = [await connectClient(), await connectClient()];
    slow.pause();
    const outcomes = new Set<string>();
    let sent = 0;
    for (; sent < ENOUGH_FRAMES && !outcomes.has("closed") && !outcomes.has("gone"); sent += 1) {
      outcomes.add(await channel.send(slow.connectionId, frame(sent, "d".repeat(FRAME_BYTES))));
      expect(await channel.send(fast.connectionId, frame(sent))).toBe("sent");
    }
    expect(outcomes).toContain("closed");
    expect(await channel.send(slow.connectionId, frame(0))).toBe("gone");
    await turnsOfTheLoop();
    expect(fast.received).toHaveLength(sent);
  });
}
