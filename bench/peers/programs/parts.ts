/** What a front and a queue are to each other. */
import type { JobData, JobKind, Update } from "./jobs.ts";

/** Whoever waits for one job. */
export interface Asker {
  progress(update: Update): void;
  result(value: unknown): void;
  failed(message: string): void;
}

export interface Submission {
  readonly jobId: string;
  readonly kind: JobKind;
  readonly data: JobData;
}

/** Resolves once the queue says that it has the job. */
export type Submit = (submission: Submission) => Promise<unknown>;

/** Where a queue tells what became of jobs. */
export interface Told {
  progress(jobId: string, update: Update): void;
  result(jobId: string, value: unknown): void;
  failed(jobId: string, message: string): void;
}

/** Resolves with the job's id once the queue has it. */
export type OnJob = (asker: Asker, kind: JobKind, data: JobData) => Promise<string>;

export interface HostSettings {
  /** `whole` is server and worker in one process. */
  readonly role: "whole" | "server" | "worker";
  readonly front: "ws" | "socket.io";
  readonly queue: "bullmq" | "graphile" | "floor";
  readonly port: number;
  readonly dataFolder: string;
  /** Jobs that run at a time. */
  readonly slots: number;
  readonly redisPort?: number;
  /** BullMQ's commands of one turn go to Redis together. */
  readonly isPipelined?: boolean;
  readonly postgresUrl?: string;
  /** What one turn sends to a socket leaves as one write. */
  readonly isCorked?: boolean;
}
