/** What scenarios share: connections to one server, what is heard on them, and what all of it takes. */
import type { JobData, JobKind } from "../programs/jobs.ts";
import { Connection } from "./connection.ts";
import { measure, type Taken } from "./measure.ts";
import type { Heard, Wire } from "./wire.ts";

export interface StandParts {
  readonly port: number;
  readonly wire: Wire;
  /** Of the server, its worker and its store. */
  readonly peerPids: readonly number[];
}

export interface Stand {
  readonly connections: readonly Connection[];
  /** Opens so many more, `atOnce` of them at a time; each is ready when this resolves, and has asked to follow if it is to. */
  connect(count: number, terms?: { readonly atOnce?: number; readonly follow?: boolean }): Promise<void>;
  closeAll(): void;
  /** In place of what was heard so far. */
  on(heard: Partial<Heard>): void;
  /** Opens a closed connection again, as often as it takes, and asks for these. */
  reopenFor(idsOf: (n: number) => readonly number[]): void;
  echo(connection: Connection, id: number, text: string): void;
  submit(connection: Connection, id: number, kind: JobKind, data: JobData): void;
  /** Makes what is followed, on the first connection. */
  prepare(): void;
  broadcast(): void;
  measure(act: () => Promise<void>): Promise<Taken>;
  /** What nobody planned for. */
  readonly failures: readonly string[];
}

const AT_ONCE = 128;
/** Loopback has many addresses: each has ports of its own. */
const ADDRESSES = 8;
const REOPEN_AFTER_MS = 50;

export function createStand({ port, wire, peerPids }: StandParts): Stand {
  const connections: Connection[] = [];
  const failures: string[] = [];
  const deaf: Heard = {
    echo: () => {},
    acknowledged: () => {},
    progress: () => {},
    result: () => {},
    push: () => {},
    failed: (what) => void failures.push(what),
  };
  let heard = deaf;
  let idsOf: ((n: number) => readonly number[]) | undefined;

  function dial(n: number): Connection {
    const onClose = (closed: Connection): void => {
      if (idsOf && connections[n] === closed) setTimeout(() => void reopen(n), REOPEN_AFTER_MS);
    };
    const onMessage = (text: string, connection: Connection): void => wire.hear(text, connection, heard);
    return new Connection({ port, path: wire.path(n), localAddress: `127.0.0.${2 + (n % ADDRESSES)}`, onMessage, onClose }, wire.open);
  }
  async function reopen(n: number): Promise<void> {
    const connection = dial(n);
    connections[n] = connection;
    try {
      await connection.opened;
      wire.resume?.(connection, idsOf?.(n) ?? []);
    } catch {
      // Its close, which is told as well, brings the next.
    }
  }

  return {
    connections,
    async connect(count, { atOnce = AT_ONCE, follow = false } = {}) {
      const from = connections.length;
      let next = from;
      const lane = async (): Promise<void> => {
        while (next < from + count) {
          const n = next;
          next += 1;
          const connection = dial(n);
          connections[n] = connection;
          await connection.opened;
          if (follow) wire.follow?.(connection);
        }
      };
      await Promise.all(Array.from({ length: Math.min(atOnce, count) }, lane));
    },
    closeAll() {
      idsOf = undefined;
      for (const connection of connections.splice(0)) connection.close();
    },
    on(some) {
      heard = { ...deaf, ...some };
    },
    reopenFor(ids) {
      idsOf = ids;
    },
    echo: wire.echo,
    submit: wire.submit,
    prepare: () => wire.prepare?.(connections[0]!),
    broadcast: () => wire.broadcast(connections[0]!),
    measure: (act) => measure(peerPids, connections, act),
    failures,
  };
}
