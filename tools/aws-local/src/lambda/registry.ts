/** Finds functions by whatever callers name them with, and invokes them: at once, or by their asynchronous queue. */
import { DEFAULT_ASYNC, type AsyncPlan, type FunctionPlan } from "../assembly/functions.ts";
import { createAsyncQueue, type AsyncQueue } from "./async-queue.ts";
import type { Fleet } from "./fleet.ts";

export interface Registered {
  readonly plan: FunctionPlan;
  readonly fleet: Fleet;
  /** With the qualifier it was asked for. */
  readonly arn: string;
  /** Returns the id of the request. */
  invokeLater(event: string): string;
}
export interface Registry {
  /** A name, a partial or a whole ARN, perhaps with a qualifier. Undefined when there is none. */
  find(name: string, qualifier?: string): Registered | undefined;
  /** As find; throws for what the stack should have. */
  get(name: string): Registered;
  readonly all: ReadonlyMap<string, Fleet>;
  stop(): Promise<void>;
}
export interface RegistryParts {
  readonly functions: readonly { readonly plan: FunctionPlan; readonly fleet: Fleet }[];
  readonly asyncPlans: readonly AsyncPlan[];
  /** Qualified ARNs that exist. */
  readonly aliases: ReadonlySet<string>;
  readonly retryMs: readonly number[];
  deliver(queueArn: string, record: string): void;
}

export function createRegistry({ functions, asyncPlans, aliases, retryMs, deliver }: RegistryParts): Registry {
  const byName = new Map(functions.map((each) => [each.plan.name, each]));
  const queues = new Map<string, AsyncQueue>();
  const queueOf = (arn: string, fleet: Fleet): AsyncQueue => {
    const known = queues.get(arn);
    if (known) return known;
    const plan = asyncPlans.find((each) => each.arn === arn) ?? { ...DEFAULT_ASYNC, onFailure: undefined, onSuccess: undefined };
    const made = createAsyncQueue({ arn, plan, fleet, retryMs, deliver });
    queues.set(arn, made);
    return made;
  };

  const find = (named: string, asked?: string): Registered | undefined => {
    const parts = named.split(":");
    const at = parts.indexOf("function");
    const [name, inName] = at === -1 ? parts : parts.slice(at + 1);
    const found = byName.get(name ?? "");
    if (!found) return undefined;
    const qualifier = asked ?? inName;
    const arn = qualifier === undefined || qualifier === "$LATEST" ? found.plan.arn : `${found.plan.arn}:${qualifier}`;
    if (arn !== found.plan.arn && !aliases.has(arn)) return undefined;
    return { ...found, arn, invokeLater: (event) => queueOf(arn, found.fleet).add(event) };
  };

  return {
    find,
    get: (name) => {
      const found = find(name);
      if (!found) throw new Error(`The stack invokes ${name}, which is none of its functions.`);
      return found;
    },
    all: new Map(functions.map(({ plan, fleet }) => [plan.name, fleet])),
    stop: async () => {
      for (const queue of queues.values()) queue.stop();
      await Promise.all(functions.map(({ fleet }) => fleet.stop()));
    },
  };
}
