/**
 * The book of what is open: followed requests by id, and questions by ref. Decides what each frame means to whom, and
 * what to say again on a new connection: requests not answered yet under the same id (the server de-duplicates, P4),
 * the others by `subscribe` after the last seq seen (P6). No socket and no reconnecting here.
 */
import { printMessage, type ClientMessage, type ServerMessage } from "@streamer/protocol";
import { StreamerError, fromWire } from "./errors.ts";
import type { ResolvedOptions } from "./options.ts";
import { Tracker, type CancellationReceipt } from "./tracker.ts";

export interface RequestsParts {
  readonly options: Pick<ResolvedOptions, "clock" | "outbox" | "random">;
  readonly isUp: () => boolean;
  readonly send: (text: string) => void;
}

export interface Requests {
  /** Sends a frame about a request, again on each connection until it is answered, and follows the request. */
  follow(id: string, message: ClientMessage<"request" | "retry">): Tracker;
  /** Follows a request that exists; joins in when this client follows it already. */
  attach(id: string, after: number): Tracker;
  cancel(tracker: Tracker, reason: string | undefined): Promise<CancellationReceipt>;
  /** Sends a question, again on each connection until it is answered. */
  ask(message: ClientMessage<"get" | "list">): Promise<ServerMessage>;
  up(welcome: ServerMessage<"welcome">): void;
  down(): void;
  receive(message: ServerMessage): void;
  /** Ends everything that is open. */
  fail(error: StreamerError): void;
  nextRef(): string;
}

interface Question {
  readonly text: string | undefined;
  readonly answered: (message: ServerMessage) => void;
  readonly refused: (error: StreamerError) => void;
}

/** A refusal that says nothing about the request, only about the moment. */
const isPassing = ({ code }: StreamerError): boolean => code === "SERVICE_UNAVAILABLE" || code === "RATE_LIMITED" || code === "STORAGE_ERROR";
const PASSING_WAIT_MS = 1_000;

export function createRequests({ options, isUp, send }: RequestsParts): Requests {
  const { clock, outbox } = options;
  const trackers = new Map<string, Tracker[]>();
  const questions = new Map<string, Question>();
  let refs = 0;
  let epoch: string | undefined;
  let limits: ServerMessage<"welcome">["limits"] | undefined;
  /** Counts connections: what was planned on one is not done on the next. */
  let generation = 0;

  const nextRef = (): string => String((refs += 1));
  const of = (id: string): readonly Tracker[] => trackers.get(id) ?? [];

  function add(tracker: Tracker): void {
    trackers.set(tracker.id, [...of(tracker.id), tracker]);
  }

  function remove(tracker: Tracker, id = tracker.id): void {
    const left = of(id).filter((other) => other !== tracker);
    if (left.length > 0) trackers.set(id, left);
    else trackers.delete(id);
  }

  const ended = (tracker: Tracker): void => remove(tracker);

  function refuseAt(text: string): StreamerError | undefined {
    const waiting = [...trackers.values()].flat().flatMap(({ frame }) => frame ?? []);
    const asked = [...questions.values()].flatMap((question) => question.text ?? []);
    const unanswered = [...waiting, ...asked];
    const characters = unanswered.reduce((sum, { length }) => sum + length, text.length);
    if (unanswered.length < outbox.messages && characters <= outbox.characters) return undefined;
    return new StreamerError("OUTBOX_FULL", "x");
  }

  return undefined as never;
}
