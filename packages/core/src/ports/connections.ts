/** ConnectionStore: who is at the other end of each open connection. */
import type { Awaitable } from "./awaitable.ts";
import type { Owner } from "./requests.ts";

export interface Connection {
  readonly connectionId: string;
  readonly owner: Owner;
  readonly permissions: readonly string[];
  /** Epoch ms. */
  readonly connectedAt: number;
  /** Epoch ms at which its token expires; undefined when it does not. */
  readonly expiresAt?: number;
}

export interface Connections {
  open(connection: Connection): Awaitable<void>;
  get(connectionId: string): Awaitable<Connection | undefined>;
  close(connectionId: string): Promise<void>;
}
