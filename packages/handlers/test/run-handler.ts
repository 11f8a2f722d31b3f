/**
 * Runs one handler as an engine would, without an engine: the input goes through the handler's schema, scratch is a
 * real folder that is gone when the run ends, blobs are real files in `blobsFolder`, and everything the handler says
 * is recorded. Nothing is batched or clamped: tests see each report as the handler made it.
 */
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { Stopped, type AnyHandler, type Handler, type HandlerContext, type Log, type StopReason, type StoredBlob } from "@streamer/core";
import type { JsonObject, JsonValue } from "@streamer/protocol";
import type { StandardSchemaV1 } from "@standard-schema/spec";

export interface Reported {
  readonly percentage: number;
  readonly message: string | undefined;
  readonly metadata: JsonObject;
}

export interface RunOptions {
  /** Where stored files go. Default a fresh folder under the system's temporary one; the caller removes it. */
  readonly blobsFolder?: string;
  /** A folder with one folder of blobs for each earlier request of the user. */
  readonly otherBlobs?: string;
  readonly resumed?: JsonValue;
  readonly attempt?: number;
  /** Default r1. */
  readonly requestId?: string;
  /** Default t1. */
  readonly tenantId?: string;
  /** Default u1. */
  readonly userId?: string;
  /** Told of each report, in the handler's own call: the place to abort a run at a known moment. */
  readonly onReport?: (report: Reported, run: { stop(reason?: StopReason): void }) => void;
  readonly onCheckpoint?: (state: JsonValue, run: { stop(reason?: StopReason): void }) => void;
}

export interface StartedRun<Output> {
  readonly result: Promise<Output>;
  readonly reports: readonly Reported[];
  readonly partials: readonly { readonly stream: string; readonly data: JsonValue }[];
  readonly checkpoints: readonly JsonValue[];
  readonly metadata: JsonObject;
  readonly blobsFolder: string;
  readonly scratchFolder: string;
  /** Aborts the run's signal; the run ends when the handler does. */
  stop(reason?: StopReason): void;
}

/** The handler's schema refused the input. */
export class InputRefused extends Error {
  readonly issues: readonly StandardSchemaV1.Issue[];
  constructor(issues: readonly StandardSchemaV1.Issue[]) {
    super(`Input refused: ${JSON.stringify(issues)}`);
    this.name = "InputRefused";
    this.issues = issues;
  }
}

export async function parseInput(handler: AnyHandler, input: unknown): Promise<unknown> {
  const parsed = await handler.input["~standard"].validate(input);
  if (parsed.issues) throw new InputRefused(parsed.issues);
  return parsed.value;
}

/** What a handler says of its results has to be so; nothing else checks it. */
async function checkOutput({ action, output: schema }: AnyHandler, output: unknown): Promise<void> {
  const checked = await schema?.["~standard"].validate(JSON.parse(JSON.stringify(output)));
  if (checked?.issues) throw new Error(`The result of ${action} is not what its output schema says: ${JSON.stringify(checked.issues)}`);
}

const nowhere = (): void => undefined;
const silent: Log = { debug: nowhere, info: nowhere, warn: nowhere, error: nowhere };

/** Starts a run; await `result`. Rejects with InputRefused when the schema refuses the input. */
export async function startRun<Action extends string, Schema extends StandardSchemaV1, Output>(
  handler: Handler<Action, Schema, Output>,
  input: unknown,
  options: RunOptions = {},
): Promise<StartedRun<Output>> {
  const value = (await parseInput(handler as AnyHandler, input)) as StandardSchemaV1.InferOutput<Schema>;
  const blobsFolder = options.blobsFolder ?? (await mkdtemp(join(tmpdir(), "streamer-blobs-")));
  const scratchFolder = await mkdtemp(join(tmpdir(), "streamer-scratch-"));
  const controller = new AbortController();
  const run = {
    reports: [] as Reported[],
    partials: [] as { stream: string; data: JsonValue }[],
    checkpoints: [] as JsonValue[],
    metadata: {} as Record<string, JsonValue>,
    blobsFolder,
    scratchFolder,
    stop: (reason: StopReason = "cancelled"): void => controller.abort(new Stopped(reason)),
  };
  const stored = async (name: string): Promise<StoredBlob> => {
    const path = join(blobsFolder, name);
    return { url: pathToFileURL(path).href, expiresAt: new Date(86_400_000).toISOString(), sizeBytes: (await stat(path)).size };
  };
  const ctx: HandlerContext = {
    signal: controller.signal,
    request: {
      id: options.requestId ?? "r1",
      action: handler.action,
      attempt: options.attempt ?? 1,
      userId: options.userId ?? "u1",
      tenantId: options.tenantId ?? "t1",
      permissions: [],
      metadata: {},
    },
    report: (percentage, message, metadata = {}) => {
      const report = { percentage, message, metadata };
      run.reports.push(report);
      options.onReport?.(report, run);
    },
    setMetadata: (key, data) => void (run.metadata[key] = data),
    partial: async (stream, data) => void run.partials.push({ stream, data }),
    checkpoint: async (state) => {
      run.checkpoints.push(structuredClone(state));
      options.onCheckpoint?.(state, run);
    },
    resumed: options.resumed,
    blobs: {
      put: async (name, body) => {
        await mkdir(dirname(join(blobsFolder, name)), { recursive: true });
        await writeFile(join(blobsFolder, name), body as string | Uint8Array, { signal: controller.signal });
        return stored(name);
      },
      putFile: async (name, path) => {
        controller.signal.throwIfAborted();
        await mkdir(dirname(join(blobsFolder, name)), { recursive: true });
        await copyFile(path, join(blobsFolder, name));
        return stored(name);
      },
      open: async (name, from) => {
        const path = join(from ? join(options.otherBlobs ?? blobsFolder, from.requestId) : blobsFolder, name);
        const file = await readFile(path).catch(() => undefined);
        return file && { body: new Blob([file]).stream(), sizeBytes: file.length, contentType: "application/octet-stream" };
      },
      removeAll: async (prefix) => {
        const names = (await readdir(blobsFolder)).filter((name) => name.startsWith(prefix));
        await Promise.all(names.map((name) => rm(join(blobsFolder, name), { recursive: true })));
      },
    },
    scratch: async () => scratchFolder,
    log: silent,
  };
  const result = (async () => {
    try {
      const output = await handler.run(value, ctx);
      await checkOutput(handler as AnyHandler, output);
      return output;
    } finally {
      await rm(scratchFolder, { recursive: true, force: true });
    }
  })();
  result.catch(nowhere);
  return Object.assign(run, { result });
}
