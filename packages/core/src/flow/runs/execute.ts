/**
 * Runs a handler: its middleware, and where it runs (here, or in a worker process). Always answers with an `Ending`,
 * at once when the handler does; what follows from it is decided elsewhere.
 */
import { Stopped } from "../../errors.ts";
import type { AnyHandler } from "../../handler.ts";
import { wrapRun, type Middleware } from "../../middleware.ts";
import type { Engine } from "../../ports/engine.ts";
import type { Ending } from "../../rules/outcome.ts";
import { RunContext, type ContextPorts } from "./context.ts";
import type { Call } from "./run.ts";

export interface ExecuteParts extends ContextPorts {
  readonly engine: ContextPorts["engine"] & Pick<Engine, "isolation">;
  readonly middleware: readonly Middleware[];
}

export function createExecute(parts: ExecuteParts) {
  const { middleware } = parts;
  const { isolation } = parts.engine;
  const wrappers = middleware.filter(({ run }) => run !== undefined);

  function call(handler: AnyHandler, input: unknown, ctx: RunContext): unknown {
    const invoke = (): unknown =>
      handler.isolate !== undefined && isolation
        ? isolation.run({
            module: handler.isolate,
            action: handler.action,
            input,
            ctx,
            ...(handler.network !== undefined && { network: handler.network }),
          })
        : handler.run(input, ctx);
    return wrappers.length === 0 ? invoke() : wrapRun(wrappers, { handler, input, ctx }, async () => invoke());
  }

  async function wait(result: unknown, ctx: RunContext): Promise<Ending> {
    let ending: Ending;
    try {
      ending = { kind: "returned", result: await result };
    } catch (error) {
      ending = { kind: "threw", error };
    }
    await ctx.removeScratch();
    return ending;
  }

  return {
    /** Calls the handler; a run is made of `of` where the handler needs one. */
    execute(of: Call): Ending | Promise<Ending> {
      const { handler, input, stopped } = of;
      if ("invalid" in input) return { kind: "threw", error: input.invalid };
      if (stopped) return { kind: "threw", error: new Stopped(stopped) };
      const ctx = new RunContext(of, parts);
      try {
        const result = call(handler, input.value, ctx);
        return isThenable(result) || ctx.hasScratch ? wait(result, ctx) : { kind: "returned", result };
      } catch (error) {
        return { kind: "threw", error };
      }
    },
  };
}

const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
