/** "Call me at t": for requests that become runnable later. A call may come early, late or twice; none of it harms. */
import type { RequestKey } from "./requests.ts";

export interface Wakeups {
  /** Epoch ms. Cheap to call often: engines keep what they need of it. */
  at(timeMs: number, key: RequestKey): Promise<void>;
}
