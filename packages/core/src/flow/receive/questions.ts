/**
 * Questions, which are small and whose answers may be of any size. Those of one connection are answered one after the
 * other, and each answer is charged to the connection's and its user's rate of bytes before the next is looked at: whoever
 * asks costs no more than whoever sends (P14).
 */
import { StreamerError } from "../../errors.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Connection } from "../../ports/connections.ts";
import type { Rates } from "./rates.ts";

export interface Questions {
  /**
   * Answers a question when it is its turn, which lasts until the connection is answered: what follows the answer, a replay,
   * is not waited for. Rejects with RATE_LIMITED while earlier answers are more than the rate allows. Of a connection that is
   * gone meanwhile nothing is answered.
   */
  answer(connection: Connection, act: () => Promise<void>): Promise<void>;
  /** To be called with the size of whatever a connection is answered; while it has no question open, that costs nothing. */
  answered(connectionId: string, bytes: number): void;
  forget(connectionId: string): void;
}

/** Of one connection, while a question of it is being answered. */
interface Line {
  readonly connection: Connection;
  readonly waiting: (() => void)[];
  /** Ends the turn; once it has ended, it does nothing. Set when one begins. */
  leave?: () => void;
  isGone: boolean;
}

export function createQuestions(rates: Pick<Rates, "charge" | "owed">, clock: Pick<Clock, "monotonic">): Questions {
  const lines = new Map<string, Line>();

  function enter(connectionId: string, line: Line): void {
    let hasLeft = false;
    line.leave = () => {
      if (hasLeft) return;
      hasLeft = true;
      const next = line.waiting.shift();
      if (next) next();
      else if (lines.get(connectionId) === line) lines.delete(connectionId);
    };
  }

  /** Resolves when it is the turn of whoever calls. */
  async function turn(connection: Connection): Promise<Line> {
    const { connectionId } = connection;
    const known = lines.get(connectionId);
    const line = known ?? { connection, waiting: [], isGone: false };
    if (known) await new Promise<void>((go) => void known.waiting.push(go));
    else lines.set(connectionId, line);
    enter(connectionId, line);
    return line;
  }

  return {
    async answer(connection, act) {
      const line = await turn(connection);
      const { leave } = line;
      try {
        if (line.isGone) return;
        const owed = rates.owed(connection, clock.monotonic());
        if (owed) {
          const { limit, afterMs } = owed;
          throw new StreamerError("RATE_LIMITED", `Answers are more than ${limit}; this message was not accepted.`, { afterMs });
        }
        await act();
      } finally {
        leave!();
      }
    },
    answered(connectionId, bytes) {
      const line = lines.get(connectionId);
      if (!line) return;
      rates.charge(line.connection, bytes, clock.monotonic());
      line.leave!();
    },
    forget(connectionId) {
      const line = lines.get(connectionId);
      if (!line) return;
      line.isGone = true;
      lines.delete(connectionId);
      for (const go of line.waiting.splice(0)) go();
    },
  };
}
