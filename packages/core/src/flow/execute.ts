/**
 * One run of one handler: its context, its middleware, and where it runs (here, or in a worker process). Always answers
 * with an `Ending`; what follows from it is decided elsewhere.
 */
import { asError } from "../errors.ts";
import type { JsonValue } from "@streamer/protocol";
import type { AnyHandler, HandlerContext, RunningRequest } from "../handler.ts";
import { wrapRun, type Middleware } from "../middleware.ts";
import type { Engine } from "../ports/engine.ts";
import type { RequestKey } from "../ports/requests.ts";
import { expiryPlaceholder, urlPlaceholder } from "../rules/blob-links.ts";
import { blobPrefix, requestKey } from "../rules/identity.ts";
import type { Ending } from "../rules/outcome.ts";
import type { Reporter } from "./report.ts";

interface Execution {
  readonly handler: AnyHandler;
  readonly input: unknown;
  readonly key: RequestKey;
  readonly request: RunningRequest;
  readonly signal: AbortSignal;
  readonly reporter: Reporter;
  readonly resumed: JsonValue | undefined;
  /** Blobs outlive the run, so the request must be durable before the first is stored. */
  readonly ensureDurable: () => Promise<unknown>;
}

export type Execute = (execution: Execution) => Promise<Ending>;

export function createExecute(engine: Pick<Engine, "blobs" | "isolation" | "log" | "scratch">, middleware: readonly Middleware[]): Execute {
  const { isolation } = engine;
  return async (execution) => {
    const { handler, input } = execution;
    const folder = lazyScratch(engine);
    const ctx = createContext(engine, execution, folder.path);
    try {
      const result = await wrapRun(middleware, { handler, input, ctx }, async () =>
        handler.isolate !== undefined && isolation
          ? isolation.run({ module: handler.isolate, action: handler.action, input, ctx })
          : handler.run(input, ctx),
      );
      return { kind: "returned", result };
    } catch (error) {
      return { kind: "threw", error };
    } finally {
      await folder.remove();
    }
  };
}

function createContext(
  { blobs, log }: Pick<Engine, "blobs" | "log">,
  execution: Execution,
  scratch: () => Promise<string>,
): HandlerContext {
  const { key, request, reporter, signal, resumed, ensureDurable } = execution;
  const keyOf = (name: string, of: RequestKey = key): string => blobPrefix(of) + encodeURIComponent(name);
  const stored = (name: string, sizeBytes: number) => ({ url: urlPlaceholder(name), expiresAt: expiryPlaceholder(name), sizeBytes });
  return {
    signal,
    request,
    resumed,
    scratch,
    log: bound(log, {
      request_id: request.id,
      action: request.action,
      attempt: request.attempt,
      tenant_id: request.tenantId,
      user_id: request.userId,
    }),
    report: reporter.report,
    setMetadata: reporter.setMetadata,
    partial: reporter.partial,
    checkpoint: reporter.checkpoint,
    blobs: {
      async put(name, body, options) {
        await ensureDurable();
        return stored(name, (await blobs.put(keyOf(name), body, { filename: name, ...options, signal })).sizeBytes);
      },
      async putFile(name, path, options) {
        await ensureDurable();
        return stored(name, (await blobs.putFile(keyOf(name), path, { filename: name, ...options, signal })).sizeBytes);
      },
      open: (name, from) => blobs.open(keyOf(name, from && requestKey(request, from.requestId))),
      removeAll: (prefix) => blobs.removeAll(keyOf(prefix)),
    },
  };
}

/** Most handlers never ask for a folder: none is made for them. */
function lazyScratch({ scratch, log }: Pick<Engine, "scratch" | "log">): { path: () => Promise<string>; remove: () => Promise<void> } {
  let folder: ReturnType<Engine["scratch"]> | undefined;
  return {
    path: async () => (await (folder ??= scratch())).path,
    remove: async () => {
      try {
        await (await folder)?.remove();
      } catch (error) {
        log.warn({ err: asError(error) }, "a scratch folder could not be removed; the next start removes it");
      }
    },
  };
}

function bound(log: Engine["log"], fields: Parameters<Engine["log"]["info"]>[0]): Engine["log"] {
  return {
    debug: (more, message) => log.debug({ ...fields, ...more }, message),
    info: (more, message) => log.info({ ...fields, ...more }, message),
    warn: (more, message) => log.warn({ ...fields, ...more }, message),
    error: (more, message) => log.error({ ...fields, ...more }, message),
  };
}
