/** What a handler is given: each part is made when the handler first uses it. */
import type { JsonValue } from "@streamer/protocol";
import { asError } from "../../errors.ts";
import type { HandlerBlobs, HandlerContext, RunningRequest, StoredBlob } from "../../handler.ts";
import type { Engine } from "../../ports/engine.ts";
import type { Log } from "../../ports/log.ts";
import type { RequestKey } from "../../ports/requests.ts";
import { expiryPlaceholder, urlPlaceholder } from "../../rules/blob-links.ts";
import { blobPrefix, requestKey } from "../../rules/identity.ts";
import type { Call } from "./run.ts";

export interface ContextPorts {
  readonly engine: Pick<Engine, "blobs" | "log" | "scratch">;
  /** Rejects where no more may be stored for the request's owner (P14). */
  readonly checkRoom: (request: RunningRequest) => Promise<void>;
}

/**
 * A promise that a handler may leave behind: a rejection nobody waits for is the run's own matter, and must not end the
 * process. Whoever waits for it still gets the rejection.
 */
function left<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}

export class RunContext implements HandlerContext {
  readonly #call: Call;
  readonly #ports: ContextPorts;
  #folder: ReturnType<Engine["scratch"]> | undefined;
  #blobs: HandlerBlobs | undefined;
  #log: Log | undefined;

  constructor(call: Call, ports: ContextPorts) {
    this.#call = call;
    this.#ports = ports;
  }

  get signal(): AbortSignal {
    return this.#call.run.signal;
  }

  get request(): RunningRequest {
    return this.#call.terms.request;
  }

  get resumed(): JsonValue | undefined {
    return this.#call.terms.resumed;
  }

  get report(): HandlerContext["report"] {
    return this.#call.run.reporter.report;
  }

  get setMetadata(): HandlerContext["setMetadata"] {
    return this.#call.run.reporter.setMetadata;
  }

  get partial(): HandlerContext["partial"] {
    return (stream, data) => left(this.#call.run.reporter.partial(stream, data));
  }

  get checkpoint(): HandlerContext["checkpoint"] {
    return (state) => left(this.#call.run.reporter.checkpoint(state));
  }

  get scratch(): HandlerContext["scratch"] {
    return () => left(this.#openScratch());
  }

  get blobs(): HandlerBlobs {
    return (this.#blobs ??= createBlobs(this.#call.run, this.#ports));
  }

  get log(): Log {
    return (this.#log ??= bound(this.#ports.engine.log, this.request));
  }

  get hasScratch(): boolean {
    return this.#folder !== undefined;
  }

  /** Most handlers never ask for a folder: none is made for them. */
  async removeScratch(): Promise<void> {
    if (!this.#folder) return;
    try {
      await (await this.#folder).remove();
    } catch (error) {
      this.#ports.engine.log.warn({ err: asError(error) }, "a scratch folder could not be removed; the next start removes it");
    }
  }

  async #openScratch(): Promise<string> {
    const opening = (this.#folder ??= this.#ports.engine.scratch());
    try {
      return (await opening).path;
    } catch (error) {
      // The handler may ask again.
      if (this.#folder === opening) this.#folder = undefined;
      throw error;
    }
  }
}

function createBlobs(run: Call["run"], { engine: { blobs }, checkRoom }: ContextPorts): HandlerBlobs {
  const { key, request } = run.terms;
  const keyOf = (name: string, of: RequestKey = key): string => blobPrefix(of) + encodeURIComponent(name);
  /** Blobs outlive the run, so the request must be durable before the first is stored. */
  async function store(name: string, put: () => Promise<{ readonly sizeBytes: number }>): Promise<StoredBlob> {
    await run.makeDurable();
    await checkRoom(request);
    const { sizeBytes } = await put();
    const mark = await blobs.linkMark(key);
    return { url: urlPlaceholder(mark, name), expiresAt: expiryPlaceholder(mark, name), sizeBytes };
  }
  return {
    put: (name, body, options) => left(store(name, () => blobs.put(keyOf(name), body, { filename: name, ...options, signal: run.signal }))),
    putFile: (name, path, options) =>
      left(store(name, () => blobs.putFile(keyOf(name), path, { filename: name, ...options, signal: run.signal }))),
    open: (name, from) => left(blobs.open(keyOf(name, from && requestKey(request, from.requestId)))),
    removeAll: (prefix) => left(blobs.removeAll(keyOf(prefix))),
  };
}

function bound(log: Log, { id, action, attempt, tenantId, userId }: RunningRequest): Log {
  const fields = { request_id: id, action, attempt, tenant_id: tenantId, user_id: userId };
  return {
    debug: (more, message) => log.debug({ ...fields, ...more }, message),
    info: (more, message) => log.info({ ...fields, ...more }, message),
    warn: (more, message) => log.warn({ ...fields, ...more }, message),
    error: (more, message) => log.error({ ...fields, ...more }, message),
  };
}
