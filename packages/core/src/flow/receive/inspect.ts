/** Answers questions: about requests, subscribe with replay, unsubscribe, get, list (P6, P7, P10); and what actions there are. */
import { isTerminal, type ActionDescription, type ClientMessage } from "@streamer/protocol";
import type { Connection } from "../../ports/connections.ts";
import type { Engine } from "../../ports/engine.ts";
import type { RequestRecord } from "../../ports/requests.ts";
import { requestKey } from "../../rules/identity.ts";
import { snapshotOf } from "../../rules/snapshot.ts";
import type { Access } from "../access.ts";
import type { Deliver } from "../deliver/deliver.ts";
import type { Following } from "../deliver/following.ts";
import { missing } from "./missing.ts";

const DEFAULT_PAGE = 20;

export interface InspectParts {
  readonly engine: Pick<Engine, "requests" | "clock">;
  readonly access: Pick<Access, "check" | "mayUse">;
  readonly deliver: Deliver;
  readonly following: Following;
  readonly describe: () => Promise<readonly ActionDescription[]>;
}

export interface Inspect {
  subscribe(message: ClientMessage<"subscribe">, connection: Connection): Promise<void>;
  unsubscribe(message: ClientMessage<"unsubscribe">, connection: Connection): Promise<void>;
  get(message: ClientMessage<"get">, connection: Connection): Promise<void>;
  list(message: ClientMessage<"list">, connection: Connection): Promise<void>;
  actions(message: ClientMessage<"actions">, connection: Connection): Promise<void>;
}

export function createInspect({ engine, access, deliver, following, describe }: InspectParts): Inspect {
  const { requests, clock } = engine;

  async function find(connection: Connection, requestId: string): Promise<RequestRecord> {
    const lookup = await requests.get(requestKey(connection.owner, requestId));
    if (lookup.outcome !== "found") throw missing(lookup.outcome, requestId);
    access.check(lookup.record.action, connection);
    return lookup.record;
  }

  /** Its snapshot, what came after, and what comes. */
  async function tell(connection: Connection, record: RequestRecord, after: number, ref: string | undefined): Promise<void> {
    // A cursor from the future belongs to another store: what there is, is the snapshot.
    const recovered = after <= record.seq;
    const snapshot = { ...snapshotOf(record, clock.now()), recovered, ...(ref !== undefined && { ref }) };
    await deliver.answer(connection.connectionId, snapshot, record.key);
    const endedAt = isTerminal(record.status) ? record.seq : undefined;
    await deliver.follow(connection.connectionId, record.key, recovered ? after : record.seq, endedAt);
  }

  return {
    async subscribe({ request_id: requestId, after = 0, ref }, connection) {
      const { connectionId, owner } = connection;
      const key = requestKey(owner, requestId);
      const leave = await following.enter(connectionId, key);
      try {
        // Before it is read: what is asked of the request meanwhile is told once, behind the snapshot.
        await deliver.hold(connectionId, key, after);
        let follows = false;
        try {
          const record = await find(connection, requestId);
          follows = !isTerminal(record.status);
          await tell(connection, record, after, ref);
        } finally {
          await deliver.release(connectionId, key, follows);
        }
      } finally {
        leave();
      }
    },
    async unsubscribe({ request_id: requestId }, { connectionId, owner }) {
      await deliver.unfollow(connectionId, requestKey(owner, requestId));
    },
    async get({ request_id: requestId, ref }, connection) {
      const record = await find(connection, requestId);
      await deliver.answer(
        connection.connectionId,
        { ...snapshotOf(record, clock.now()), recovered: true, ...(ref !== undefined && { ref }) },
        record.key,
      );
    },
    async list({ status, action, limit = DEFAULT_PAGE, cursor, ref }, connection) {
      const { connectionId, owner } = connection;
      if (action !== undefined) access.check(action, connection);
      const page = await requests.list({
        ...owner,
        limit,
        ...(status && { status }),
        ...(action !== undefined && { action }),
        ...(cursor !== undefined && { cursor }),
      });
      const timestamp = Math.round(clock.now());
      await deliver.answer(connectionId, {
        type: "list",
        timestamp,
        // Results stay with `get`: a page of them could be any size, and their links belong to their own requests.
        items: page.records
          .filter((record) => access.mayUse(record.action, connection))
          .map((record) => {
            const { type: _, result: __, ...item } = snapshotOf(record, timestamp);
            return item;
          }),
        ...(page.cursor !== undefined && { cursor: page.cursor }),
        ...(ref !== undefined && { ref }),
      });
    },
    async actions({ ref }, { connectionId }) {
      const timestamp = Math.round(clock.now());
      await deliver.answer(connectionId, { type: "actions", timestamp, items: await describe(), ...(ref !== undefined && { ref }) });
    },
  };
}
