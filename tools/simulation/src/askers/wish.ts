/** One request that a user wants done, whichever of their devices asks for it. */
import { isTerminal, type JsonValue, type RequestOptions, type ServerMessage } from "@streamer/protocol";
import { createChance, someMs, type Chance } from "../chance.ts";
import { resultOf } from "../handlers.ts";
import { MAY_PASS } from "../invariants/event-log.ts";
import type { Report } from "../invariants/findings.ts";
import type { Plan } from "../plan.ts";
import { ACTIONS, drawScript, payloadOf, type Action, type Script } from "../script.ts";

export interface Wish {
  readonly id: string;
  readonly action: Action;
  readonly script: Script;
  readonly options: RequestOptions;
  /** Durable or not known: to be asked for; durable: to be followed; over: told how it ended. */
  state: "asked" | "durable" | "over";
  /** Under which id it is found: another than its own when its idempotency key was known. */
  foundAs: string;
  /** Newest seq that any device has seen. */
  seq: number;
  isCancelled: boolean;
  ending: string | undefined;
  hasFailed: boolean;
  /** It fails by its script alone after so many failures; fewer where the store may refuse to keep it for another attempt. */
  readonly leastFailures: number;
}

export function drawWish(chance: Chance, plan: Plan, about: { readonly who: string; readonly id: string }): Wish {
  const { features } = plan;
  const isLater = features.has("later") && chance.happens(0.3);
  const hasKey = features.has("idempotency") && chance.happens(0.3);
  const mode = isLater || hasKey ? chance.oneOf(["auto", "async"] as const) : chance.oneOf(["auto", "auto", "sync", "async"] as const);
  const options: RequestOptions = {
    mode,
    ...(chance.happens(0.3) && { priority: chance.below(10) }),
    ...(isLater && { delay_ms: someMs(chance, 1, 20_000) }),
    ...(hasKey && { idempotency_key: `key-${chance.below(3)}` }),
    ...(chance.happens(0.1) && { timeout_ms: someMs(chance, 1, 3_000) }),
    ...(chance.happens(0.1) && { max_attempts: 1 }),
    ...(chance.happens(0.05) && { subscribe: false }),
  };
  // The same payload for the same idempotency key, most of the time.
  const by = hasKey && chance.happens(0.8) ? createChance(plan.seed, `payload of ${about.who} ${options.idempotency_key}`) : chance;
  const script = drawScript(by, plan, { ...about, id: hasKey ? options.idempotency_key! : about.id });
  const ofAny = chance.oneOf(ACTIONS);
  const action = hasKey ? "slow" : features.has("concurrency") && chance.happens(0.4) ? "limited" : ofAny;
  const mayRefuse = (["refusals", "full-store", "small-limits"] as const).some((feature) => features.has(feature));
  return {
    id: about.id,
    action,
    script,
    options,
    state: "asked",
    foundAs: about.id,
    seq: 0,
    isCancelled: false,
    ending: undefined,
    hasFailed: false,
    leastFailures: mayRefuse || action === "once" ? 1 : (options.max_attempts ?? 3),
  };
}

export const requestFrame = ({ id, action, script, options }: Wish): string =>
  JSON.stringify({ type: "request", id, action, payload: payloadOf(script), options });

/** Takes in what was told of it, and checks that an end is one it can have. */
export function hear(wish: Wish, message: ServerMessage, report: Report): void {
  listen(wish, message, report);
  if ("seq" in message && message.seq !== undefined && message.type !== "snapshot") wish.seq = Math.max(wish.seq, message.seq);
}

function listen(wish: Wish, message: ServerMessage, report: Report): void {
  // Its end was told already, elsewhere: this was under way for long, or is a replay.
  if (wish.state === "over" && "seq" in message && (message.seq ?? Infinity) < wish.seq) return;
  if (message.type === "acknowledgment") {
    // Its idempotency key may have been another request's, which is forgotten since.
    const foundAs = message.request_id === wish.id ? wish.id : wish.foundAs;
    Object.assign(wish, { state: "durable", ending: undefined, hasFailed: false, seq: message.seq, foundAs });
  } else if (message.type === "snapshot") {
    wish.state = isTerminal(message.status) && wish.state === "over" ? "over" : "durable";
    wish.foundAs = message.request_id;
    if (message.status === "COMPLETED") check(wish, message.result, report);
  } else if (message.type === "complete") judge(wish, "complete", message.result, report);
  else if (message.type === "response") {
    if (wish.leastFailures > 1 && MAY_PASS.test(message.error?.message ?? ""))
      report("P9", `request ${wish.id} of ${wish.script.who} failed at once, and was to be tried ${wish.leastFailures} times`);
    const isToBeSentAgain = !message.success && message.error?.code === "SERVICE_UNAVAILABLE";
    if (!isToBeSentAgain) judge(wish, message.success ? "complete" : (message.error?.code ?? "no error"), message.data, report);
  } else if (message.type === "error" && message.seq !== undefined) judge(wish, message.error.code, undefined, report);
}

/** Whether it may end so. */
export function judge(wish: Wish, ending: string, result: JsonValue | undefined, report: Report): void {
  const { script } = wish;
  const about = `request ${wish.id} of ${script.who}`;
  // What failed may have been retried by hand; the other ends are for good.
  if (wish.state === "over" && (wish.ending === "complete" || wish.ending === "CANCELLED") && wish.ending !== ending)
    report("P2", `${about} was told to have ended as ${wish.ending}, and as ${ending}`);
  Object.assign(wish, { state: "over", ending, hasFailed: ending !== "complete" && ending !== "CANCELLED" });
  if (ending === "CANCELLED" && !wish.isCancelled && wish.options.idempotency_key === undefined)
    report("P8", `${about} is CANCELLED, and nobody asked for it`);
  if (ending === "complete") check(wish, result, report);
}

/** What it completed with is what its script gives, for whoever reads it and whenever (P7, P10). */
function check({ id, script }: Wish, result: JsonValue | undefined, report: Report): void {
  const about = `request ${id} of ${script.who}`;
  const { end: how } = script;
  if (how === "value" && JSON.stringify(result) !== JSON.stringify(resultOf(script)))
    report("P10", `${about} was answered with ${JSON.stringify(result)}`);
  if (["fatal", "throw", "circular", "bigint", "huge"].includes(how) || how.startsWith("throw-") || how.startsWith("retry-after"))
    report("P2", `${about} is complete, and its handler cannot succeed: ${how}`);
}
