/**
 * What an adapter hands in to be tested: an engine on a fresh store, the clock it lives by, and the few things a test
 * has to do to it from outside. The suite never asks which engine it is.
 */
import type { Engine, RequestKey } from "@streamer/core";
import type { ManualClock } from "./clock.ts";

export interface Harness {
  /** The engine of the process that lives now: read it anew after `restart`. */
  readonly engine: Engine;
  readonly clock: ManualClock;
  /**
   * The process dies without a word and another starts on the same store. What is not on stable storage is gone, open
   * connections are gone, `clock.restart()` has been called, and the leases of the dead process have ended:
   * `requests.recover` of the new one finds them.
   */
  restart(): Promise<void>;
  /** A client at the other end of the engine's channel; it is not in `connections` yet. */
  connectClient(): Promise<ClientEnd>;
  /** Fetches a signed link as a browser would, without a token. */
  download(url: string): Promise<{ readonly status: number; readonly bytes: Uint8Array }>;
  /** Called, now and after each restart, whenever the engine's wakeups say that something may be runnable. */
  onWake(listener: (key: RequestKey | undefined) => void): void;
  dispose(): Promise<void>;
}

/** The far end of one connection, kept in memory: everything that reached it, in order. */
export interface ClientEnd {
  readonly connectionId: string;
  readonly received: readonly string[];
  /** How the server closed it, once it has. */
  readonly closed: { readonly code: number; readonly reason: string } | undefined;
  /** Stops reading, as a client on a bad network does: frames pile up at the server. */
  pause(): void;
  /** Reads on; what piled up arrives. */
  resume(): void;
  /** Goes away without a close frame; the channel answers `gone` from now on. */
  vanish(): void;
}

export type CreateHarness = () => Promise<Harness>;

/** A promise this adapter does not keep yet. Refused when it names no test, or when the test passes. */
export interface Gap {
  /** The test's full name, "P3 …". */
  readonly test: string;
  readonly reason: string;
}

/** Registers one test of the contract; each runs on a fresh harness. Names start with the promise they keep. */
export type ContractTest = (name: string, body: (harness: Harness) => Promise<void>) => void;
