/** What is used of packages that are installed here alone, so that the project's own checks need not install them. */
declare module "bullmq" {
  interface Connection {
    readonly host: string;
    readonly port: number;
    /** As its documentation asks for: a worker waits for as long as it takes. */
    readonly maxRetriesPerRequest: null;
    readonly enableAutoPipelining: boolean;
  }
  interface Job<Data> {
    readonly id?: string;
    readonly name: string;
    readonly data: Data;
    updateProgress(progress: unknown): Promise<void>;
  }
  export class Queue {
    constructor(
      name: string,
      options: {
        readonly connection: Connection;
        readonly defaultJobOptions: { readonly removeOnComplete: boolean; readonly removeOnFail: { readonly count: number } };
        readonly streams: { readonly events: { readonly maxLen: number } };
      },
    );
    waitUntilReady(): Promise<unknown>;
    add(name: string, data: unknown, options: { readonly jobId: string }): Promise<unknown>;
  }
  export class QueueEvents {
    constructor(name: string, options: { readonly connection: Connection });
    waitUntilReady(): Promise<unknown>;
    on(event: "progress", listener: (told: { readonly jobId: string; readonly data: unknown }) => void): this;
    on(event: "completed", listener: (told: { readonly jobId: string; readonly returnvalue: unknown }) => void): this;
    on(event: "failed", listener: (told: { readonly jobId: string; readonly failedReason: string }) => void): this;
  }
  export class Worker<Data> {
    constructor(
      name: string,
      process: (job: Job<Data>) => Promise<unknown>,
      options: { readonly connection: Connection; readonly concurrency: number },
    );
    waitUntilReady(): Promise<unknown>;
    on(event: "error", listener: (error: Error) => void): this;
    on(event: "progress", listener: (job: Job<Data>, progress: unknown) => void): this;
    on(event: "completed", listener: (job: Job<Data>, value: unknown) => void): this;
    on(event: "failed", listener: (job: Job<Data> | undefined, error: Error) => void): this;
  }
}

declare module "graphile-worker" {
  import type { Pool } from "pg";
  export interface Logger {
    error(message: string): unknown;
  }
  export const Logger: new (factory: () => (level: string, message: string) => void) => Logger;
  interface WorkerUtils {
    migrate(): Promise<void>;
    addJobs(jobs: readonly { readonly identifier: string; readonly payload: unknown }[]): Promise<unknown>;
  }
  export function makeWorkerUtils(options: { readonly pgPool: Pool; readonly logger: Logger }): Promise<WorkerUtils>;
  export function run(options: {
    readonly pgPool: Pool;
    readonly taskList: Readonly<Record<string, (payload: never) => Promise<void>>>;
    readonly noHandleSignals: true;
    readonly logger: Logger;
    readonly preset: {
      readonly worker: {
        readonly concurrentJobs: number;
        readonly localQueue: { readonly size: number };
        readonly completeJobBatchDelay: number;
        readonly failJobBatchDelay: number;
      };
    };
  }): Promise<unknown>;
}

declare module "pg" {
  export interface Pool {
    end(): Promise<void>;
  }
  export const Pool: new (options: { readonly connectionString: string; readonly max: number }) => Pool;
}

declare module "socket.io" {
  import type { Server as HttpServer } from "node:http";
  export interface Socket {
    on(event: string, listener: (...said: never[]) => void): this;
    emit(event: string, ...said: readonly unknown[]): boolean;
  }
  export class Server {
    constructor(
      http: HttpServer,
      options: { readonly transports: readonly ["websocket"]; readonly perMessageDeflate: false; readonly serveClient: false },
    );
    readonly engine: { on(event: "connection", listener: (raw: { request: unknown }) => void): void };
    on(event: "connection", listener: (socket: Socket) => void): this;
    emit(event: string, ...said: readonly unknown[]): boolean;
  }
}
