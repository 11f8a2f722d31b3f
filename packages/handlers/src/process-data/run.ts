/** What every stage of a run is given. */
import type { HandlerContext } from "@streamer/core";
import type { DatabaseOptions } from "../duckdb/database.ts";
import type { Channels } from "./ingest/channel.ts";
import type { ProcessInput } from "./input.ts";
import type { Stages } from "../stages.ts";
import type { Stage } from "./costs.ts";

/** Options of the handler, filled. */
export interface Settings {
  readonly dataFolder: string;
  /** Undefined where an engine keeps channels elsewhere. */
  readonly channelsFolder: string | undefined;
  readonly memoryMb: number;
  readonly threads: number;
  readonly spillMb: number;
  readonly maxFileBytes: number;
  readonly keepFitsFromMs: number;
  readonly waitHereMs: number;
}

export interface Run {
  readonly input: ProcessInput;
  readonly ctx: HandlerContext;
  readonly settings: Settings;
  readonly channels: Channels;
  readonly scratchFolder: string;
  readonly progress: Stages<Stage>;
  /** Ends this process, for work that nothing else can stop; the engine then starts the next attempt in another. */
  readonly endProcess: () => void;
}

const RUN_DATABASE = "run";

export function databaseOptions({ settings, scratchFolder, ctx }: Omit<Run, "progress">): DatabaseOptions {
  const { memoryMb, threads, spillMb } = settings;
  return { memoryMb, threads, spillMb, scratchFolder, signal: ctx.signal, name: RUN_DATABASE };
}
