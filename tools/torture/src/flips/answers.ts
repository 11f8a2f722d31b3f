/** Everything a client can ask of what is stored, and what it is told: by question, in a form that two readings share. */
import { setTimeout as pass } from "node:timers/promises";
import { createAsker, isEnd, isEvent, type Asker } from "@streamer/contract/torture";
import type { ClientMessage, ServerMessage } from "@streamer/protocol";
import type { Stocked } from "./stock.ts";

/** Refused by name, as it should be where something is damaged. */
export const REFUSED = "refused as damaged";
const PATIENCE_MS = 120_000;
/** Of a refusal for now that does not say when to ask again. */
const AGAIN_MS = 100;

export interface Reading {
  readonly url: string;
  readonly token: string;
  readonly stocked: readonly Stocked[];
  /** Paths of file links, as an earlier reading was given them. */
  readonly links: ReadonlyMap<string, string>;
  readonly isOver: () => boolean;
}

export interface Answers {
  readonly byQuestion: ReadonlyMap<string, string>;
  readonly links: ReadonlyMap<string, string>;
}

export async function readAll({ url, token, stocked, links: known, isOver }: Reading): Promise<Answers> {
  const asker = createAsker({ url, token });
  await Promise.race([asker.ready, patience(isOver)]);
  const byQuestion = new Map<string, string>();
  const links = new Map<string, string>();
  let refs = 0;
  const note = async (question: string, answer: Promise<string>): Promise<void> => void byQuestion.set(question, await answer);
  /** Large results one after another are more than the rate of bytes allows: such a refusal says when to go on. */
  const untilAnswered = async (say: () => Promise<ServerMessage>): Promise<ServerMessage> => {
    for (;;) {
      const answer = await say();
      if (!isForNow(answer)) return answer;
      await pass(answer.error.retry?.after_ms ?? AGAIN_MS);
    }
  };
  const ask = (message: ClientMessage): Promise<ServerMessage> =>
    untilAnswered(() => Promise.race([asker.ask({ ...message, ref: `q${(refs += 1)}` }), patience(isOver)]));
  /** Says what has no ref, and waits for what is its answer among what is heard of its request. */
  const tell = (message: ClientMessage, id: string, isAnswer: (heard: ServerMessage) => boolean): Promise<ServerMessage> =>
    untilAnswered(() => {
      const from = asker.tape.length;
      asker.send(message);
      return until(() => heardOf(asker, id, from).find((heard) => isForNow(heard) || isLasting(heard) || isAnswer(heard)), isOver);
    });

  async function getOf({ id }: Stocked): Promise<string> {
    const answer = await ask({ type: "get", request_id: id });
    const link = answer.type === "snapshot" ? (answer.result as { file?: { url?: string } } | undefined)?.file?.url : undefined;
    if (link !== undefined) links.set(id, new URL(link).pathname + new URL(link).search);
    return answerOf(answer, id);
  }

  async function replayOf({ id }: Stocked): Promise<string> {
    const from = asker.tape.length;
    const snapshot = await ask({ type: "subscribe", request_id: id });
    if (snapshot.type !== "snapshot") return answerOf(snapshot, id);
    const heard = (): readonly ServerMessage[] => heardOf(asker, id, from);
    const last = await until(() => heard().find((message) => isLasting(message) || endsAt(message) >= snapshot.seq), isOver);
    const events = heard().filter((message) => "seq" in message && message.type !== "snapshot");
    return isLasting(last) ? answerOf(last, id) : events.map((event) => answerOf(event, id)).join("\n");
  }

  async function repeatOf({ id, frame }: Stocked): Promise<string> {
    const isAnswer = (message: ServerMessage): boolean =>
      (message.type === "snapshot" && message.ref === id) || message.type === "acknowledgment";
    return answerOf(await tell(frame, id, isAnswer), id);
  }

  async function fileOf(id: string, path: string): Promise<string> {
    const response = await fetch(new URL(path, url.replace("ws", "http")));
    const text = await response.text().catch(() => undefined);
    if (text === undefined) return REFUSED;
    if (response.ok) return `a file: ${text}`;
    return text.includes('"DATA_LOSS"') ? REFUSED : `${id}: ${response.status} ${text}`;
  }

  /** Makes it go on, and waits for its end. */
  async function endOf({ id, state }: Stocked): Promise<string> {
    const from = asker.tape.length;
    const goOn: ClientMessage =
      state === "failed" ? { type: "retry", request_id: id } : state === "endless" ? { type: "cancel", request_id: id } : { type: "ping" };
    const follow = await ask({ type: "subscribe", request_id: id });
    if (follow.type !== "snapshot") return answerOf(follow, id);
    const isLast = (message: ServerMessage): boolean => isLasting(message) || endsAt(message) > (state === "failed" ? follow.seq : 0);
    const end = goOn.type === "ping" ? await until(() => heardOf(asker, id, from).find(isLast), isOver) : await tell(goOn, id, isLast);
    if (end.type === "complete") return `complete: ${JSON.stringify(end.result)}`;
    return end.type === "error" && end.error.code === "CANCELLED" ? "cancelled" : answerOf(end, id);
  }

  try {
    for (const one of stocked.filter(({ state }) => state === "ended" || state === "failed")) {
      await note(`get ${one.id}`, getOf(one));
      await note(`replay ${one.id}`, replayOf(one));
      await note(`repeat ${one.id}`, repeatOf(one));
    }
    for (const [id, path] of known) await note(`file ${id}`, fileOf(id, path));
    const page = await ask({ type: "list", limit: 100 });
    const items = page.type === "list" ? page.items : [];
    for (const { id, state } of stocked) {
      const item = items.find(({ request_id: requestId }) => requestId === id);
      const isSettled = state === "ended" || state === "failed";
      byQuestion.set(
        `listed ${id}`,
        item ? (isSettled || item.error ? answerOf(item, id) : "listed") : page.type === "list" ? "not listed" : answerOf(page, id),
      );
    }
    for (const one of stocked.filter(({ state }) => state !== "ended")) await note(`end ${one.id}`, endOf(one));
    const unreadable = asker.tape.filter(({ what }) => what === "unreadable").length;
    byQuestion.set("frames that are none", String(unreadable));
  } finally {
    asker.close();
  }
  return { byQuestion, links };
}

const isForNow = (message: ServerMessage): message is ServerMessage<"error"> =>
  message.type === "error" && message.seq === undefined && message.error.code === "RATE_LIMITED";
/** A refusal that would be the same if it were asked again. */
const isLasting = (message: ServerMessage): boolean => message.type === "error" && message.seq === undefined && !isForNow(message);

/** The seq of an event that ends its request. */
const endsAt = (message: ServerMessage): number => (isEvent(message) && isEnd(message) ? message.seq : -1);

const heardOf = (asker: Asker, id: string, from: number): readonly ServerMessage[] =>
  asker.tape
    .slice(from)
    .flatMap((entry) =>
      entry.what === "heard" && "request_id" in entry.message && entry.message.request_id === id ? [entry.message] : [],
    );

/** What was told, without the moment at which it was told. A refusal has to name its request. */
function answerOf(answer: object, id: string): string {
  const {
    timestamp,
    ref: _,
    error,
    ...rest
  } = answer as {
    readonly [name: string]: unknown;
    readonly error?: { readonly code: string; readonly message: string };
  };
  if (error?.code === "DATA_LOSS")
    return error.message.includes(`"${id}"`) || !("request_id" in rest) ? REFUSED : `refused without its name: ${error.message}`;
  // An event was stored with its moment; a snapshot, and an item of a list, are of now.
  const when = "seq" in rest && "type" in rest && rest["type"] !== "snapshot" ? { timestamp } : {};
  return JSON.stringify({ ...rest, ...(error && { error }), ...when })
    .replaceAll(/http:\/\/127\.0\.0\.1:\d+|\?expires=[^"]*/g, "")
    .replaceAll(/"expiresAt":"[^"]*",/g, "");
}

async function until<T>(find: () => T | undefined, isOver: () => boolean): Promise<T> {
  for (const from = performance.now(); ; await pass(5)) {
    const found = find();
    if (found !== undefined) return found;
    if (isOver() || performance.now() - from > PATIENCE_MS) throw new Error("there was no answer");
  }
}

const patience = (isOver: () => boolean): Promise<never> => until<never>(() => undefined, isOver);
