/**
 * append_rows: rows for a channel that process_data reads, by the same WebSocket. Its answer is the back-pressure: it
 * comes when the rows are on stable storage, and a channel that is full refuses with RATE_LIMITED and when to try again.
 * `sequence` counts appends from 0; a repeated one is answered as before and stored once.
 */
import { defineHandler, Fatal, StreamerError } from "@streamer/core";
import type { JsonObject } from "@streamer/protocol";
import * as z from "zod";
import { appendToChannel, CHANNEL_LIMITS, type ChannelLimits, type Channels, type Refusal } from "./ingest/channel.ts";
import { createAdmission } from "./ingest/channel-usage.ts";
import { channelsIn } from "./ingest/channel-folders.ts";
import { simpleName } from "./input.ts";

/** Rows of one append; the message as a whole is bounded by the protocol (1 MiB). */
const MAX_ROWS = 10_000;
const ESTIMATE_MS = 20;
const TRY_AGAIN_MS = 500;

const appendInput = z.strictObject({
  stream_id: simpleName,
  sequence: z.int().min(0).max(999_999_999_999),
  rows: z.array(z.record(z.string(), z.unknown())).max(MAX_ROWS),
  end: z.boolean().default(false),
});

const appendOutput = z.object({
  stream_id: z.string(),
  next_sequence: z.int().describe("The number that the next append must have."),
  stored: z.boolean().describe("False for a repeated append: it was stored before."),
  unread_bytes: z.int().describe("Bytes of the channel that its reader has not taken yet."),
});
export type AppendResult = z.infer<typeof appendOutput>;

export interface AppendRowsOptions {
  /** Where channels are kept: a folder or a store. process_data must be given the same. */
  readonly channels: string | Channels;
  readonly limits?: Partial<ChannelLimits>;
}

export function createAppendRows({ channels, limits }: AppendRowsOptions) {
  const kept = channelsIn(channels);
  const resolved = { ...CHANNEL_LIMITS, ...limits };
  const terms = { limits: resolved, admit: createAdmission(kept, resolved) };
  const inTurn = turns();
  return defineHandler({
    action: "append_rows",
    description: "Appends rows to a channel that process_data reads.",
    input: appendInput,
    output: appendOutput,
    estimate: ESTIMATE_MS,
    retry: { maxAttempts: 1 },
    async run({ stream_id, sequence, rows, end }, ctx): Promise<AppendResult> {
      const { request: owner } = ctx;
      const append = { owner, streamId: stream_id, sequence, rows, end };
      const name = JSON.stringify([owner.tenantId, owner.userId, stream_id]);
      const answer = await inTurn(name, () => appendToChannel(kept, append, terms));
      if (!("nextSequence" in answer)) throw refusal(stream_id, answer);
      return {
        stream_id,
        next_sequence: answer.nextSequence,
        stored: answer.outcome === "stored",
        unread_bytes: answer.unreadBytes,
      };
    },
  });
}

function refusal(streamId: string, refused: Refusal): Error {
  const wrong = (message: string, details: JsonObject): Fatal =>
    new Fatal(`Channel "${streamId}" ${message}`, { code: "VALIDATION_ERROR", details });
  switch (refused.outcome) {
    case "gap":
      return wrong(`expects sequence ${refused.expected} next.`, { expected: refused.expected });
    case "differs":
      return wrong(`has other rows under sequence ${refused.sequence}.`, { sequence: refused.sequence });
    case "ended":
      return wrong(`has ended with sequence ${refused.at - 1}; use another stream_id.`, { ended_at: refused.at });
    case "too_large":
      return wrong(`holds ${refused.maxBytes} bytes, the most a channel may.`, { max_bytes: refused.maxBytes });
    case "empty":
      return wrong(`gets no rows by sequence ${refused.sequence}, and does not end by it: an append has rows, or "end": true.`, {
        sequence: refused.sequence,
      });
    case "over_quota": {
      const whose = refused.of === "user" ? "a user" : "all users of a tenant together";
      const name = `max_${refused.what}_per_${refused.of}`;
      const what = refused.what === "channels" ? `${refused.most} channels` : `${refused.most} bytes in channels`;
      return wrong(`would be more than the ${what} that ${whose} may have; read or finish one.`, {
        [name]: refused.most,
        // As it was called when there was no other.
        ...(refused.of === "user" && refused.what === "channels" && { max_channels: refused.most }),
      });
    }
    case "full":
      return new StreamerError(
        "RATE_LIMITED",
        `Channel "${streamId}" holds ${refused.unreadBytes} bytes that no run has read yet; send again later.`,
        {
          details: { unread_bytes: refused.unreadBytes, max_unread_bytes: refused.maxUnreadBytes },
          afterMs: TRY_AGAIN_MS,
        },
      );
  }
}

/** Work under one name runs one after another. */
function turns(): <T>(name: string, work: () => Promise<T>) => Promise<T> {
  const last = new Map<string, Promise<unknown>>();
  return async (name, work) => {
    const mine = (last.get(name) ?? Promise.resolve()).catch(() => undefined).then(work);
    last.set(name, mine);
    try {
      return await mine;
    } finally {
      if (last.get(name) === mine) last.delete(name);
    }
  };
}
