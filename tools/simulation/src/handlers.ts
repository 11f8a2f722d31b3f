/** Handlers of every behaviour: each does what the script in its payload says, by the clock of the process that runs it. */
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { Fatal, RetryAfter, defineHandler, type AnyHandler, type HandlerContext } from "@streamer/core";
import type { Process } from "./engine.ts";
import type { Plan } from "./plan.ts";
import type { End, Script, Step } from "./script.ts";

/** What is noted of each run, from its beginning to the moment its handler has ended. */
export interface RunWatch {
  began(process: Process, script: Script, ctx: HandlerContext): SeenRun;
}

interface SeenRun {
  /** A step was confirmed: what it said is stored. */
  said(step: Step, at: number): void;
  ended(succeeded: boolean, error?: unknown): void;
}

function schema(isAsync: boolean): StandardSchemaV1<Script, Script> {
  const validate = (value: unknown): StandardSchemaV1.Result<Script> => {
    const isScript = typeof value === "object" && value !== null && Array.isArray((value as Partial<Script>).steps);
    return isScript ? { value: structuredClone(value) as Script } : { issues: [{ message: "has no steps", path: ["steps"] }] };
  };
  return { "~standard": { version: 1, vendor: "simulation", validate: isAsync ? async (value) => validate(value) : validate } };
}

export function createHandlers(plan: Plan, process: Process, watch: RunWatch): readonly AnyHandler[] {
  const run = async (script: Script, ctx: HandlerContext): Promise<unknown> => {
    const noted = watch.began(process, script, ctx);
    try {
      const result = await act(script, ctx, process, noted);
      noted.ended(true);
      return result;
    } catch (error) {
      noted.ended(false, error);
      throw error;
    }
  };
  const retry = { maxAttempts: 3, baseMs: 100, capMs: 5_000 };
  const isLimited = plan.features.has("concurrency");
  const input = schema(false);
  return [
    defineHandler({ action: "quick", input, estimate: 1, retry, run }),
    defineHandler({ action: "slow", input: schema(true), estimate: 60_000, retry, run }),
    defineHandler({ action: "learned", input, retry, run }),
    defineHandler({ action: "guessed", input, estimate: ({ steps }) => sleepOf(steps), retry, run }),
    defineHandler({ action: "limited", input, retry, ...(isLimited && { concurrency: { total: 2, perTenant: 1 } }), run }),
    defineHandler({ action: "once", input, retry: { ...retry, maxAttempts: 1 }, timeoutMs: 3_000, run }),
    defineHandler({ action: "forbidden", input, permissions: ["admin"], run }),
  ];
}

const sleepOf = (steps: readonly Step[]): number => steps.reduce((sum, step) => sum + (step.do === "sleep" ? step.ms : 0), 0);

async function act(script: Script, ctx: HandlerContext, process: Process, seen: SeenRun): Promise<unknown> {
  const { attempt } = ctx.request;
  const from = (ctx.resumed as { readonly step: number } | undefined)?.step ?? 0;
  for (let at = from; at < script.steps.length; at += 1) await take(script.steps[at]!, at, { script, ctx, process, seen });
  if (attempt <= script.failures) throw new Error(`attempt ${attempt} fails, as its script says`);
  if (script.talksOn) process.clock.after(700, () => talkOn(ctx));
  if (script.mutates) (script as { steps: unknown }).steps = "changed by the handler";
  return endOf(script, ctx);
}

/** What a handler may do that has not understood that it has ended. */
function talkOn(ctx: HandlerContext): void {
  ctx.report(50, "after the end");
  void ctx.partial("rows", "after the end");
  void ctx.checkpoint("after the end");
}

interface Scene {
  readonly script: Script;
  readonly ctx: HandlerContext;
  readonly process: Process;
  readonly seen: SeenRun;
}

async function take(step: Step, at: number, { script, ctx, process, seen }: Scene): Promise<void> {
  switch (step.do) {
    case "sleep":
      return sleep(step.ms, process, script.heeds ? ctx.signal : undefined);
    case "report":
      return ctx.report(step.percentage, `step ${at}`, step.stage === undefined ? undefined : { stage: step.stage });
    case "partial":
    case "checkpoint": {
      const said =
        step.do === "partial" ? ctx.partial(step.stream, { who: script.who, id: script.id, at }) : ctx.checkpoint({ step: at + 1 });
      if (!script.awaits) return;
      await said;
      return seen.said(step, at);
    }
    case "file":
      await ctx.blobs.put(step.name, `${script.who} ${script.id}`);
  }
}

function sleep(ms: number, { clock }: Process, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal!.reason as Error);
    if (signal?.aborted) return stop();
    const callOff = clock.after(ms, () => {
      signal?.removeEventListener("abort", stop);
      resolve();
    });
    signal?.addEventListener("abort", () => {
      callOff();
      stop();
    });
  });
}

/** What `value` gives: who asks can tell whether the answer is theirs. */
export const resultOf = ({ who, id }: Script): object => ({ who, id });

const circular = (): object => {
  const itself: Record<string, unknown> = {};
  itself["self"] = itself;
  return itself;
};

/** Those that are missing throw. */
const RESULTS: Readonly<Partial<Record<End, (script: Script, ctx: HandlerContext) => unknown>>> = {
  value: resultOf,
  undefined: () => undefined,
  nan: () => ({ number: NaN }),
  huge: () => "x".repeat(1_100_000),
  bigint: () => 1n,
  circular,
  "file-link": (script, ctx) => ctx.blobs.put("result.txt", `${script.who} ${script.id}`),
};

const THROWN: Readonly<Partial<Record<End, () => unknown>>> = {
  fatal: () => new Fatal("for good, as its script says"),
  "throw-null-prototype": () => Object.create(null) as object,
  "throw-string": () => "a string",
  "throw-undefined": () => undefined,
  "throw-circular": () => Object.assign(new Error("circular"), { details: circular() }),
  "throw-dom-exception": () => new DOMException("gone", "AbortError"),
  "throw-huge-message": () => new Error("long ".repeat(50_000)),
  "retry-after": () => new RetryAfter(250.5),
  "retry-after-nan": () => new RetryAfter(NaN),
};

function endOf(script: Script, ctx: HandlerContext): unknown {
  const result = RESULTS[script.end];
  if (result) return result(script, ctx);
  const thrown = THROWN[script.end];
  throw thrown ? thrown() : new Error(`attempt ${ctx.request.attempt} fails, as its script says`);
}
