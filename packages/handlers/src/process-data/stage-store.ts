/**
 * What a finished stage leaves for the next attempt. Scratch is lost with its process, so the state is stored as blobs
 * of this request (rows as a database, the rest as JSON) and the checkpoint only says how many stages are finished: a
 * checkpoint has to stay small, and opening a million rows takes no time where parsing them took a second. The blobs go
 * when the run ends for good.
 */
import { createWriteStream } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { HandlerContext } from "@streamer/core";
import type { Waiting } from "./ingest/wait-for-rows.ts";
import { writeJson } from "./json-file.ts";

// Types, not interfaces: only a type alias is assignable to JsonValue.
type Checkpoint = {
  /** Stages finished, 0 to 5. */
  readonly finished: number;
  /** Attempts that began to run the user's query. */
  readonly queries: number;
  /** What a run that waited for rows knew of them. */
  readonly waiting?: Waiting;
  /** Why an attempt ended its own process in the middle of the query: the next one says so and stops. */
  readonly refused?: Refused;
};

type Refused = { readonly path: string; readonly message: string };

export interface StageStore {
  readonly queries: number;
  readonly refused: Refused | undefined;
  readonly waiting: Waiting | undefined;
  keepWaiting(waiting: Waiting): Promise<void>;
  /** The state of a stage that an earlier attempt finished; undefined when it has to be done (again). */
  load<State>(stage: number): Promise<State | undefined>;
  /** A file stored beside it, as a path in scratch. */
  loadFile(name: string): Promise<string | undefined>;
  /** A file of scratch that goes with the stage about to be finished; it is moved away. */
  keepFile(name: string, path: string): Promise<void>;
  finish(stage: number, state: unknown): Promise<void>;
  /** What an earlier attempt kept of a stage it did not finish. */
  loadPart<State>(name: string): Promise<State | undefined>;
  keepPart(name: string, state: unknown): Promise<void>;
  queryStarts(): Promise<void>;
  /** Before this process is ended: what the request is told by the next. */
  refuse(refused: Refused): Promise<void>;
  clear(): Promise<void>;
}

const PREFIX = "stage-";

export function openStages(ctx: HandlerContext, scratchFolder: string): StageStore {
  let { finished, queries } = (ctx.resumed as Checkpoint | undefined) ?? { finished: 0, queries: 0 };
  const blobName = (name: string): string => `${PREFIX}${name}`;
  const fetch = async (name: string): Promise<ReadableStream<Uint8Array> | undefined> => (await ctx.blobs.open(blobName(name)))?.body;
  const read = async <State>(name: string): Promise<State | undefined> => {
    const body = await fetch(name);
    return body && (JSON.parse(await new Response(body).text()) as State);
  };
  const write = async (name: string, state: unknown): Promise<void> => {
    const path = join(scratchFolder, blobName(name));
    await writeJson(path, state);
    await ctx.blobs.putFile(blobName(name), path, { contentType: "application/json" });
  };
  return {
    get queries() {
      return queries;
    },
    refused: (ctx.resumed as Checkpoint | undefined)?.refused,
    waiting: (ctx.resumed as Checkpoint | undefined)?.waiting,
    keepWaiting: (waiting) => ctx.checkpoint({ finished, queries, waiting } satisfies Checkpoint),
    refuse: (refused) => ctx.checkpoint({ finished, queries, refused } satisfies Checkpoint),
    async load<State>(stage: number) {
      if (stage > finished) return undefined;
      const state = await read<State>(`${stage}.json`);
      // What a stage needs is gone: it and all that follow are done again.
      if (state === undefined) finished = stage - 1;
      return state;
    },
    async loadFile(name) {
      const body = await fetch(name);
      if (!body) return undefined;
      const path = join(scratchFolder, name);
      await pipeline(Readable.fromWeb(body as never), createWriteStream(path), { signal: ctx.signal });
      return path;
    },
    keepFile: async (name, path) => void (await ctx.blobs.putFile(blobName(name), path)),
    async finish(stage, state) {
      await write(`${stage}.json`, state);
      finished = stage;
      await ctx.checkpoint({ finished, queries } satisfies Checkpoint);
    },
    // A first attempt has nothing to find, and does not ask.
    loadPart: async <State>(name: string) => (ctx.resumed === undefined ? undefined : read<State>(`${name}.json`)),
    keepPart: (name, state) => write(`${name}.json`, state),
    async queryStarts() {
      queries += 1;
      await ctx.checkpoint({ finished, queries } satisfies Checkpoint);
    },
    clear: () => ctx.blobs.removeAll(PREFIX),
  };
}
