import { appendFile, readdir, utimes } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { isNotYet, type NotYet } from "@streamer/core";
import type { JsonObject, JsonValue } from "@streamer/protocol";
import { describe, expect, it } from "vitest";
import {
  createAppendRows,
  createProcessData,
  objectChannels,
  type AppendResult,
  type AppendRowsOptions,
  type Channels,
} from "../../src/process-data/index.ts";
import { startRun, type RunOptions } from "../run-handler.ts";
import { objectsIn, STORES } from "./channel-stores.ts";
import { dataFolder, flowers, temporaryFolder } from "./runs.ts";

const [header, ...lines] = flowers(120)
  .split("\n")
  .map((line) => line.split(","));
const ROWS = lines.map((cells): JsonObject =>
  Object.fromEntries(cells.map((cell, at) => [header![at]!, cell === "" ? null : Number.isNaN(Number(cell)) ? cell : Number(cell)])),
);

async function handlersOn(channels: string | Channels, limits: AppendRowsOptions["limits"] = {}, waitHereMs?: number) {
  const append = createAppendRows({ channels, limits });
  const learn = createProcessData({ dataFolder: await dataFolder({}), channels, ...(waitHereMs !== undefined && { waitHereMs }) });
  return {
    send: async (sequence: number, rows: readonly JsonObject[], more: JsonObject = {}, options: RunOptions = {}) =>
      (await startRun(append, { stream_id: "sensor", sequence, rows, ...more }, options)).result,
    learn: async (config: JsonObject = {}, options: RunOptions = {}) =>
      startRun(
        learn,
        {
          pipeline: "classification",
          target: "kind",
          id_columns: ["id"],
          data_source: { type: "stream", stream_id: "sensor", config },
          options: { model: "logistic" },
        },
        { blobsFolder: await temporaryFolder(), ...options },
      ),
  };
}

describe.each(Object.entries(STORES))("a channel %s", (_, fresh) => {
  const channels = async (limits: AppendRowsOptions["limits"] = {}, waitHereMs?: number) => {
    const { channels: kept, rowsLeft } = await fresh();
    return { ...(await handlersOn(kept, limits, waitHereMs)), rowsLeft };
  };

  it("holds no worker while its rows are still to come: each run looks, makes room, and ends, until the last row is there", async () => {
    const { send, learn, rowsLeft } = await channels({ maxUnreadBytes: 2_000 }, 0);
    const waits = async (resumed?: JsonValue) => {
      const run = await learn({}, { ...(resumed !== undefined && { resumed }) });
      const error = await run.result.then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      expect(isNotYet(error)).toBe(true);
      return { ...run, error: error as NotYet };
    };
    const first = await waits();
    expect(first.checkpoints).toMatchObject([{ finished: 0, waiting: { appends: 0 } }]);
    let resumed = first.checkpoints.at(-1)!;
    for (let sequence = 0; sequence < 12; sequence += 1) {
      // More than may be unread at once: what has been looked at makes room.
      await send(sequence, ROWS.slice(sequence * 10, sequence * 10 + 10), { end: sequence === 11 });
      if (sequence === 11) break;
      const again = await waits(resumed);
      expect(again.reports).toEqual([]);
      expect(again.error.afterMs).toBeLessThanOrEqual(10_000);
      resumed = again.checkpoints.at(-1)!;
      expect(resumed).toMatchObject({ waiting: { appends: sequence + 1 } });
    }
    expect((await (await learn({}, { resumed })).result).data).toMatchObject({ rows: 120, bad_rows: 0 });
    expect(await rowsLeft()).toEqual([]);
  });

  it("waits no longer than it may for rows that never come, however many runs look for them", async () => {
    const { learn } = await channels({}, 0);
    const waiting = { appends: 3, heardAt: Date.now() - 61_000, since: Date.now() - 90_000 };
    const late = await learn({ idle_timeout_ms: 60_000 }, { resumed: { finished: 0, queries: 0, waiting } });
    await expect(late.result).rejects.toMatchObject({
      code: "TIMEOUT",
      message: expect.stringContaining("brought nothing for 60,000 ms after 3 appends") as string,
    });
  });

  it("is read while it is filled, in order, until its end, and is gone then", async () => {
    const { send, learn, rowsLeft } = await channels();
    const run = await learn();
    for (let sequence = 0; sequence < 12; sequence += 1) {
      const answer = await send(sequence, ROWS.slice(sequence * 10, sequence * 10 + 10), { end: sequence === 11 });
      expect(answer).toMatchObject({ stream_id: "sensor", next_sequence: sequence + 1, stored: true });
    }
    const result = await run.result;
    expect(result.data).toMatchObject({ rows: 120, bad_rows: 0 });
    expect(result.preview.map(({ id }) => id).slice(0, 3)).toEqual(["f0", "f1", "f2"]);
    const counts = run.reports.flatMap(({ metadata }) => (metadata.rows_received === undefined ? [] : [metadata.rows_received]));
    expect(counts.at(-1)).toBe(120);
    expect(counts).toEqual(counts.toSorted((a, b) => Number(a) - Number(b)));
    expect(await rowsLeft()).toEqual([]);
  });

  it("stores a repeated append once, and refuses gaps, other rows under a number, and what comes after the end", async () => {
    const { send, learn } = await channels();
    await send(0, ROWS.slice(0, 60));
    expect(await send(0, ROWS.slice(0, 60))).toMatchObject({ stored: false, next_sequence: 1 });
    await expect(send(2, [])).rejects.toMatchObject({ code: "VALIDATION_ERROR", details: { expected: 1 } });
    await expect(send(0, ROWS.slice(0, 1))).rejects.toMatchObject({
      code: "VALIDATION_ERROR",
      message: expect.stringContaining("other rows under sequence 0") as string,
    });
    await send(1, ROWS.slice(60), { end: true });
    expect(await send(1, ROWS.slice(60), { end: true })).toMatchObject({ stored: false });
    await expect(send(2, [])).rejects.toMatchObject({ code: "VALIDATION_ERROR", message: expect.stringContaining("has ended") as string });
    expect((await (await learn()).result).data).toMatchObject({ rows: 120 });
  });

  it("takes appends that come at once one after another", async () => {
    const { send } = await channels();
    const answers = await Promise.all(Array.from({ length: 20 }, () => send(0, ROWS)));
    expect(answers.filter(({ stored }) => stored)).toHaveLength(1);
  });

  it("P14 is bounded: a full one is refused with RATE_LIMITED until it is read", async () => {
    const { send, learn } = await channels({ maxUnreadBytes: 14_000 });
    await send(0, ROWS.slice(0, 60));
    await send(1, ROWS.slice(60, 100));
    const refused = await send(2, ROWS.slice(100)).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: "RATE_LIMITED", afterMs: expect.any(Number) as number, details: { max_unread_bytes: 14_000 } });
    const run = await learn();
    let stored = false;
    while (!stored)
      stored = await send(2, ROWS.slice(100), { end: true }).then(
        ({ stored: is }) => is,
        () => delay(20, false),
      );
    expect((await run.result).data).toMatchObject({ rows: 120 });
  });

  it("P14 is one of a bounded number, and of bounded size in all", async () => {
    const { send } = await channels({ maxChannelsPerUser: 2, maxBytes: 30_000 });
    await send(0, ROWS, { stream_id: "a" });
    await send(0, ROWS, { stream_id: "b" });
    await expect(send(0, ROWS, { stream_id: "c" })).rejects.toMatchObject({ code: "VALIDATION_ERROR", details: { max_channels: 2 } });
    await expect(send(1, ROWS, { stream_id: "a" })).rejects.toMatchObject({ details: { max_bytes: 30_000 } });
  });

  it("P10 belongs to its user: another's of the same name is another", async () => {
    const { send, learn } = await channels();
    await send(0, ROWS, { end: true }, { tenantId: "other" });
    const run = await learn({ idle_timeout_ms: 300 });
    await expect(run.result).rejects.toMatchObject({
      name: "Fatal",
      code: "TIMEOUT",
      message: expect.stringContaining("brought nothing for 300 ms after 0 rows") as string,
    });
  });

  it("has one reader at a time, and can be read by another when that one stopped", async () => {
    const { send, learn } = await channels({}, 60_000);
    await send(0, ROWS, {});
    const first = await learn({}, { requestId: "first" });
    const isReading = (): boolean => first.reports.some(({ message = "" }) => message.startsWith("Waiting for rows"));
    await expect.poll(isReading, { timeout: 30_000 }).toBe(true);
    await expect((await learn({}, { requestId: "second" })).result).rejects.toMatchObject({
      message: expect.stringContaining("being read by request first") as string,
    });
    first.stop();
    await expect(first.result).rejects.toMatchObject({ name: "Stopped" });
    await send(1, [], { end: true });
    expect((await (await learn({}, { requestId: "third" })).result).data).toMatchObject({ rows: 120 });
  });

  it("joins appends in segments, whatever their number", async () => {
    const { send, learn, rowsLeft } = await channels();
    for (let sequence = 0; sequence < 300; sequence += 1) await send(sequence, [ROWS[sequence % 120]!]);
    expect(await rowsLeft()).toHaveLength(1);
    expect(await send(17, [ROWS[17]!])).toMatchObject({ stored: false, next_sequence: 300 });
    await expect(send(17, [ROWS[18]!])).rejects.toMatchObject({ details: { sequence: 17 } });
    const large = [...Array(40).keys()].map((at) => ({ ...ROWS[at % 120]!, id: `${at}${"x".repeat(10_000)}` }));
    for (let sequence = 300; sequence < 304; sequence += 1) await send(sequence, large);
    expect((await rowsLeft()).length).toBeLessThan(6);
    expect(await send(304, [], { end: true })).toMatchObject({ stored: true, next_sequence: 305 });
    expect(await send(304, [], { end: true })).toMatchObject({ stored: false, next_sequence: 305 });
    expect((await (await learn()).result).data).toMatchObject({ rows: 460, bad_rows: 0 });
    expect(await rowsLeft()).toEqual([]);
  });

  it("refuses an append that has no rows and is not the end", async () => {
    const { send, rowsLeft } = await channels();
    await expect(send(0, [])).rejects.toMatchObject({ code: "VALIDATION_ERROR", details: { sequence: 0 } });
    await send(0, ROWS);
    await expect(send(1, [])).rejects.toMatchObject({ code: "VALIDATION_ERROR", details: { sequence: 1 } });
    expect(await rowsLeft()).toHaveLength(1);
  });

  it("P14 bounds bytes and channels of a user, and of all users of a tenant together", async () => {
    const { send, learn } = await channels({ maxBytesPerUser: 30_000, maxBytesPerTenant: 40_000, maxChannelsPerTenant: 3 });
    const user = (userId: string) => ({ userId });
    await send(0, ROWS, { end: true });
    await expect(send(0, [...ROWS, ...ROWS], { stream_id: "b" })).rejects.toMatchObject({ details: { max_bytes_per_user: 30_000 } });
    await send(0, ROWS, {}, user("u2"));
    await expect(send(0, ROWS, {}, user("u3"))).rejects.toMatchObject({ details: { max_bytes_per_tenant: 40_000 } });
    await send(0, ROWS.slice(0, 1), {}, user("u3"));
    await expect(send(0, ROWS.slice(0, 1), {}, user("u4"))).rejects.toMatchObject({ details: { max_channels_per_tenant: 3 } });
    await send(0, ROWS, {}, { ...user("u4"), tenantId: "other" });
    // What was read has gone, and makes room.
    await (
      await learn()
    ).result;
    await delay(1_000);
    await send(0, ROWS, {}, user("u4"));
  });

  it.each([
    ["at the top", (key: string) => ({ [key]: 1 }), /more than 2,000 different keys/],
    ["in a nested value", (key: string) => ({ nested: [{ deeper: { [key]: 1 } }] }), /more than 10,000 different keys in nested values/],
  ])("whose rows have ever new keys %s is refused before it is read", async (_where, row, message) => {
    const { send, learn } = await channels();
    for (let sequence = 0; sequence < 6; sequence += 1)
      await send(
        sequence,
        [...Array(2_000).keys()].map((at) => row(`k${sequence}_${at}`)),
        { end: sequence === 5 },
      );
    const run = await learn();
    await expect(run.result).rejects.toMatchObject({ code: "VALIDATION_ERROR", message: expect.stringMatching(message) as string });
  });

  it("that ends without a row is an error", async () => {
    const { send, learn } = await channels();
    await send(0, [], { end: true });
    await expect((await learn()).result).rejects.toMatchObject({
      code: "VALIDATION_ERROR",
      message: expect.stringContaining("ended without a row") as string,
    });
  });
});

describe("a channel as objects", () => {
  const send = async (texts: Map<string, string>, sequence: number, more: JsonObject = {}): Promise<AppendResult> => {
    const append = createAppendRows({ channels: objectChannels(() => objectsIn(texts), "channels/") });
    return (await startRun(append, { stream_id: "sensor", sequence, rows: ROWS.slice(0, 10), ...more })).result;
  };

  it("takes an append once when two processes, which know nothing of each other, take it in at once", async () => {
    const texts = new Map<string, string>();
    const answers = await Promise.all([send(texts, 0), send(texts, 0)]);
    expect(answers.filter(({ stored }) => stored)).toHaveLength(1);
    expect(answers.map(({ next_sequence }) => next_sequence)).toEqual([1, 1]);
  });

  it("loses no append and takes none twice when processes take in different ones at once", async () => {
    const texts = new Map<string, string>();
    for (let sequence = 0; sequence < 20; sequence += 1) {
      const sent = await Promise.allSettled([send(texts, sequence), send(texts, sequence + 1), send(texts, sequence)]);
      expect(sent.some(({ status }) => status === "fulfilled")).toBe(true);
    }
    const { next_sequence: next } = await send(texts, 19);
    await send(texts, next, { end: true });
    const learn = createProcessData({ dataFolder: await dataFolder({}), channels: objectChannels(() => objectsIn(texts), "channels/") });
    const input = { pipeline: "clustering", data_source: { type: "stream", stream_id: "sensor" }, options: { duplicates: "keep" } };
    const run = await startRun(learn, input, { blobsFolder: await temporaryFolder() });
    expect((await run.result).data).toMatchObject({ rows: 10 * next + 10 });
  });

  it("whose first rows were forgotten begins anew", async () => {
    const texts = new Map<string, string>();
    await send(texts, 0);
    await send(texts, 1, { end: true });
    texts.delete([...texts.keys()].find((key) => key.endsWith("0.ndjson"))!);
    expect(await send(texts, 0)).toMatchObject({ next_sequence: 1, stored: true });
  });

  it("does not ask for its objects before it is used", () => {
    const absent = (): never => {
      throw new Error("There is no bucket here.");
    };
    expect(() => createAppendRows({ channels: objectChannels(absent, "channels/") })).not.toThrow();
  });
});

describe("a channel in a folder", () => {
  it("cuts off what a crash has torn, and goes on behind what was whole", async () => {
    const channels = join(await temporaryFolder(), "channels");
    const { send, learn } = await handlersOn(channels);
    await send(0, ROWS.slice(0, 60));
    const segment = (await readdir(channels, { recursive: true })).find((name) => name.endsWith(".ndjson"));
    await appendFile(join(channels, segment!), `${JSON.stringify(ROWS[60])}\n{"id":"torn`);
    expect(await send(1, ROWS.slice(60), { end: true })).toMatchObject({ stored: true, next_sequence: 2 });
    expect((await (await learn()).result).data).toMatchObject({ rows: 120, bad_rows: 0 });
  });

  it("that was waited for and never filled leaves nothing", async () => {
    const channels = join(await temporaryFolder(), "channels");
    const { learn } = await handlersOn(channels);
    await expect((await learn({ idle_timeout_ms: 200 })).result).rejects.toMatchObject({ code: "TIMEOUT" });
    const left = await readdir(channels, { recursive: true, withFileTypes: true });
    expect(left.filter((entry) => entry.isFile())).toEqual([]);
    expect(left).toHaveLength(2);
  });

  it("of anybody is forgotten a week after it was touched", async () => {
    const channels = join(await temporaryFolder(), "channels");
    await (await handlersOn(channels)).send(0, ROWS);
    const old = new Date(Date.now() - 8 * 86_400_000);
    for (const name of await readdir(channels, { recursive: true })) await utimes(join(channels, name), old, old);
    await (await handlersOn(channels)).send(0, ROWS, {}, { tenantId: "other" });
    expect((await readdir(channels, { recursive: true })).filter((name) => name.endsWith(".ndjson"))).toHaveLength(1);
  });
});
