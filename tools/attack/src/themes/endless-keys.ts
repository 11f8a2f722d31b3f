/** Rows of thousands of keys, each with others: a table of every column there was would hold a worker for minutes. */
import { open } from "../connection.ts";
import type { Theme } from "../theme.ts";

const ROWS = 20;
const KEYS = 1_900;
const WITHIN_MS = 45_000;

const rowsOf = (sequence: number): readonly Readonly<Record<string, number>>[] =>
  Array.from({ length: ROWS }, (_row, row) =>
    Object.fromEntries(Array.from({ length: KEYS }, (_key, key) => [`k${sequence}-${row}-${key}`, 1])),
  );

export const endlessKeys: Theme = {
  name: "endless-keys",
  does: "streamed rows of 1,900 keys each, no two of them alike, that a run is to make a table of",
  unit: "appends",
  counts: { ci: 15, release: 60 },
  limitSeconds: { ci: 180, release: 400 },
  async attack({ target, count }) {
    const connection = await open(target, "attacker");
    let appended = 0;
    for (; appended < count; appended += 1) {
      const payload = { stream_id: "wide", sequence: appended, rows: rowsOf(appended), end: appended === count - 1 };
      const answer = await connection.ask({ type: "request", id: `w${appended}`, action: "append_rows", payload });
      if (answer?.type !== "response" || !answer.success) break;
    }
    const since = performance.now();
    const payload = { pipeline: "transformation", data_source: { type: "stream", stream_id: "wide", config: { idle_timeout_ms: 5_000 } } };
    const answer = await connection.ask(
      { type: "request", id: "run", action: "process_data", payload, options: { max_attempts: 1 } },
      WITHIN_MS,
    );
    const ms = Math.round(performance.now() - since);
    connection.send({ type: "cancel", request_id: "run" });
    connection.close();
    const said = answer?.type === "error" ? answer.error.code : answer?.type;
    return {
      counted: { appended, answer: said ?? "none", ms },
      broken: answer ? [] : [`a run over ${appended * ROWS * KEYS} different keys has not ended after ${ms} ms`],
    };
  },
};
