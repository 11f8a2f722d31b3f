/** "Call me at t": for requests that become runnable later. A call may come early, late or twice; none of it harms. */
import type { RequestKey } from "./requests.ts";

export interface Wakeups {
  /** Asks to be called at `timeMs` (epoch ms). Cheap to call often: engines keep only what they need. */
  at(timeMs: number, key: RequestKey): Promise<void>;
}
