/**
 * The functions there are, in one table that the bundler, the stack and their tests read. What starts them is in
 * constructs/, what they may do in permissions.ts.
 */
const MB = 1_000_000;

export interface FunctionPlan {
  readonly description: string;
  /** Its entry exports `createHandler(handlers)` rather than `handler`: it is bundled with the user's module. */
  readonly takesHandlers: boolean;
  /** Runs handlers that were queued: it alone carries the packages of `workerOnly`. */
  readonly runsQueued?: true;
  /** Largest bundle, all chunks together. A bundle is parsed at each cold start, before the first answer. */
  readonly budgetBytes: number;
  readonly timeoutSeconds: number;
  /** CPU goes by memory: 1,769 MB are one core. What answers a person gets more than what nobody waits for. */
  readonly memoryMb: number;
}

export const FUNCTIONS = {
  connect: {
    description: "$connect: checks origin and token, and stores the connection.",
    takesHandlers: false,
    budgetBytes: MB,
    timeoutSeconds: 10,
    memoryMb: 512,
  },
  disconnect: {
    description: "$disconnect: forgets the connection and what it followed.",
    takesHandlers: false,
    budgetBytes: MB,
    timeoutSeconds: 10,
    memoryMb: 512,
  },
  message: {
    description: "$default: answers a message, runs short requests, makes long ones durable.",
    takesHandlers: true,
    budgetBytes: MB,
    // What API Gateway waits for an integration.
    timeoutSeconds: 29,
    memoryMb: 1_024,
  },
  dispatch: {
    description: "Stream of the requests table: starts work for each request that became runnable.",
    takesHandlers: false,
    budgetBytes: MB,
    timeoutSeconds: 30,
    memoryMb: 512,
  },
  work: {
    description: "Runs one queued request, or as much of it as 15 minutes allow.",
    takesHandlers: true,
    runsQueued: true,
    // Without the packages beside it, which are read from disk only when a handler asks for them.
    budgetBytes: 4 * MB,
    // Lambda's longest.
    timeoutSeconds: 900,
    memoryMb: 2_048,
  },
  wake: {
    description: "Delay queue: requests whose time has come. Failed queue: requests whose process died.",
    takesHandlers: true,
    budgetBytes: 1.5 * MB,
    timeoutSeconds: 30,
    memoryMb: 512,
  },
  sweep: {
    description: "Every minute: what the wakeups missed, leases that ended, connections and results that expired.",
    takesHandlers: true,
    budgetBytes: 1.5 * MB,
    // Under the minute between two sweeps, so that they never overlap.
    timeoutSeconds: 55,
    memoryMb: 512,
  },
} as const satisfies Record<string, FunctionPlan>;

export type FunctionName = keyof typeof FUNCTIONS;
export const FUNCTION_NAMES = Object.keys(FUNCTIONS) as readonly FunctionName[];
export const planOf = (name: FunctionName): FunctionPlan => FUNCTIONS[name];

export const ARCHITECTURES = ["arm64", "x86_64"] as const;
export type ArchitectureName = (typeof ARCHITECTURES)[number];
