/** The faults of a running stack, which a suite changes as it goes; and how many of each kind there were. */
import type { Faults } from "@streamer/aws-local";

export interface Switchboard {
  /** For startAwsLocal. */
  readonly faults: Faults;
  /** From now on these. */
  set(faults: Faults): void;
  /** From now on none. */
  quiet(): void;
  /** By what they happened to and their kind. */
  readonly happened: Readonly<Record<string, number>>;
  readonly total: number;
}

export function createSwitchboard(): Switchboard {
  let current: Faults = {};
  const happened: Record<string, number> = {};
  const counted = <F extends { readonly kind: string }>(what: string, fault: F | undefined): F | undefined => {
    if (fault) happened[`${what} ${fault.kind}`] = (happened[`${what} ${fault.kind}`] ?? 0) + 1;
    return fault;
  };
  return {
    faults: {
      call: (call) => (call.caller === "operator" ? undefined : counted(call.service, current.call?.(call))),
      records: (records) => counted("records", current.records?.(records)),
      message: (message) => counted("message", current.message?.(message)),
      invocation: (invocation) => counted(roleOf(invocation.functionName), current.invocation?.(invocation)),
    },
    set: (faults) => {
      current = faults;
    },
    quiet: () => {
      current = {};
    },
    happened,
    get total() {
      return Object.values(happened).reduce((sum, count) => sum + count, 0);
    },
  };
}

const ROLES = ["connect", "disconnect", "message", "dispatch", "work", "wake", "sweep"] as const;
export type Role = (typeof ROLES)[number];

/** Which of the seven functions a name of the stack means. */
export function roleOf(functionName: string): Role {
  const lower = functionName.toLowerCase();
  const role = ROLES.find((name) => lower.startsWith(name));
  if (!role) throw new Error(`The stack has a function ${functionName}, which is none of ${ROLES.join(", ")}.`);
  return role;
}
