/** A channel into one NDJSON file, row by row as they come, and that into the table like any other file. */
import { open } from "node:fs/promises";
import { join } from "node:path";
import type { Database } from "../../duckdb/database.ts";
import type { StreamConfig } from "../input.ts";
import { invalid } from "../problem.ts";
import { count, megabytes, part, type Tell } from "../progress.ts";
import { ChannelIdle, ChannelPauses, readChannel, type ChannelStore } from "./channel.ts";
import { describeFile } from "./data-files.ts";
import { readFile, type ReadTable } from "./read-file.ts";
import { nothingCame, waitLater, type Waiting } from "./wait-for-rows.ts";
import { createRowKeys } from "./row-keys.ts";

export interface ChannelReading {
  readonly streamId: string;
  readonly channel: ChannelStore;
  readonly pollMs: number;
  /** Longest that this run waits for rows. */
  readonly waitHereMs: number;
  /** Keeps what the run that follows has to know. */
  readonly keep: (waiting: Waiting) => Promise<void>;
  readonly requestId: string;
  readonly config: StreamConfig;
  /** Columns kept as they are written. */
  readonly asText: ReadonlySet<string>;
  readonly scratchFolder: string;
  readonly signal: AbortSignal;
  readonly tell: Tell;
}

export async function readStream(database: Database, reading: ChannelReading): Promise<ReadTable> {
  const { streamId, channel, requestId, config, asText, scratchFolder, signal, tell } = reading;
  const reader = await channel.take(requestId);
  if (reader !== requestId)
    throw invalid("data_source.stream_id", `"${streamId}" is being read by request ${reader}; a channel has one reader`);
  const path = join(scratchFolder, "stream.ndjson");
  const { rows, bytes } = await collect(path, reading);
  if (rows === 0) throw invalid("data_source.stream_id", `"${streamId}" ended without a row: there is nothing to learn from`);
  const field = "data_source.stream_id";
  const file = await describeFile(path, streamId, { format: "ndjson", maxFileBytes: Infinity, field });
  tell(0.8, `${count(rows)} rows received`, { rows_received: rows, bytes_received: bytes });
  return readFile(database, file, {
    table: "raw",
    config,
    asText,
    scratchFolder,
    maxFileBytes: Infinity,
    signal,
    tell: part(tell, 0.8, 1),
    field,
  });
}

async function collect(
  path: string,
  { streamId, channel, pollMs, waitHereMs, keep, requestId, config, signal, tell }: ChannelReading,
): Promise<{ rows: number; bytes: number }> {
  const idleMs = config.idle_timeout_ms;
  const since = Date.now();
  let rows = 0;
  let bytes = 0;
  const keys = createRowKeys("data_source.stream_id");
  const file = await open(path, "w", 0o600);
  try {
    tell(0, `Waiting for rows of channel "${streamId}"`);
    for await (const segment of readChannel(channel, { pollMs, idleMs, waitHereMs, signal })) {
      keys.add(segment);
      await file.appendFile(segment);
      rows += segment.split("\n").length - 1;
      bytes += segment.length;
      if (rows > config.max_rows)
        throw invalid("data_source.config.max_rows", `the stream gives more than ${count(config.max_rows)} rows; raise max_rows`);
      // How many are to come nobody knows: the bar nears 80 % of the stage with the rows, and never reaches it.
      tell(0.8 * (1 - 1 / (1 + rows / 10_000)), `${count(rows)} rows received (${megabytes(bytes)})`, {
        rows_received: rows,
        bytes_received: bytes,
      });
    }
  } catch (error) {
    if (error instanceof ChannelPauses) {
      const { appends, silentMs } = error;
      return await waitLater({ appends, heardAt: Date.now() - silentMs, since }, { streamId, channel, requestId, idleMs, keep });
    }
    throw error instanceof ChannelIdle ? nothingCame(streamId, { came: rows, of: "rows" }, idleMs) : error;
  } finally {
    await file.close();
  }
  return { rows, bytes };
}
