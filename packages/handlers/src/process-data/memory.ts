/**
 * A run that comes near the memory its process may have ends itself, with an error that says what to do. Nothing else
 * could say it: V8, DuckDB and WebAssembly end the whole process when the system gives them none.
 *
 * The system counts private memory that may be written (RLIMIT_DATA). Of that, DuckDB keeps what earlier runs needed, to
 * use it again: near the limit is a process only when the memory in use is, too. In a container that has less than the
 * machine, memory in use is what counts.
 */
import { readFileSync } from "node:fs";
import { totalmem } from "node:os";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { unusable } from "./problem.ts";

interface Limit {
  readonly bytes: number;
  readonly used: () => number;
}

export interface MemoryWatch extends Disposable {
  /** Aborted with the error of a run that needs more. */
  readonly signal: AbortSignal;
}

const LOOK_EVERY_MS = 100;
/** Kept free: what may be taken between two looks, by V8 for a collection most of all. */
const RESERVE_BYTES = 64 * 1_048_576;

export function watchMemory(limits: readonly Limit[] = ownLimits()): MemoryWatch {
  const controller = new AbortController();
  let isCollected = false;
  const look = (): void => {
    const reached = limits.find(({ bytes, used }) => used() > bytes - RESERVE_BYTES);
    // What is garbage by now is no reason to stop: it is gone by the next look.
    if (reached && isCollected) controller.abort(needsMore(reached.bytes));
    else if (reached) collect();
    isCollected = reached !== undefined;
  };
  const timer = limits.length > 0 ? setInterval(look, LOOK_EVERY_MS).unref() : undefined;
  return { signal: controller.signal, [Symbol.dispose]: () => clearInterval(timer) };
}

const ADVICE =
  "Learn from fewer rows or columns (options.max_training_cells), ask for a forest of fewer trees (options.max_iterations) or another model (options.model), or have the server give its worker processes more memory.";

export const needsMore = (bytes?: number, cause?: unknown): Error =>
  unusable(
    `The run needs more memory than its process has${bytes === undefined ? "" : ` (${Math.round(bytes / 1_048_576)} MiB)`}. ${ADVICE}`,
    {
      cause,
    },
  );

/** How V8, WebAssembly and C++ say that there is no memory, where they say it and do not end the process. */
const REFUSED = /Array buffer allocation failed|could not allocate memory|std::bad_alloc/i;

export const isRefusedMemory = (error: unknown): boolean => error instanceof Error && REFUSED.test(error.message);

function ownLimits(): readonly Limit[] {
  const data = numberIn("/proc/self/limits", /^Max data size +(\d+)/m);
  const constrained = process.constrainedMemory();
  return [
    ...(data === undefined ? [] : [{ bytes: data, used: () => Math.min(mapped(), setAside + inUse()) }]),
    ...(constrained > 0 && constrained < totalmem() ? [{ bytes: constrained, used: () => process.memoryUsage.rss() }] : []),
  ];
}

const STATUS = "/proc/self/status";
const mapped = (): number => 1_024 * (numberIn(STATUS, /^VmData:\s+(\d+)/m) ?? 0);
const inUse = (): number => 1_024 * (numberIn(STATUS, /^RssAnon:\s+(\d+)/m) ?? 0);

/** Undefined where the system has no such file, or no number there. */
function numberIn(path: string, where: RegExp): number | undefined {
  try {
    const found = where.exec(readFileSync(path, "utf8"))?.[1];
    return found === undefined ? undefined : Number(found);
  } catch {
    return undefined;
  }
}

/** Mapped and not in use before there was any run: room for code, stacks of threads. */
const setAside = mapped() - inUse();

function collect(): void {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
}
