/** Rows appended one at a time, or none at all: each would be a file. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { open } from "../connection.ts";
import type { Theme } from "../theme.ts";

const CHANNELS = 10;
/** So many appends, at least, go into one file. */
const A_FILE = 10;

export const appends: Theme = {
  name: "appends",
  does: "rows appended one at a time, or none at all, to many channels",
  unit: "appends",
  counts: { ci: 5_000, release: 50_000 },
  smoke: 400,
  limitSeconds: { ci: 240, release: 1_200 },
  async attack({ target, count, random, signal }) {
    const connection = await open(target, "attacker");
    const refused = new Map<string, number>();
    let appended = 0;
    let asked = 0;
    const fill = async (channel: number): Promise<void> => {
      for (let sequence = 0; sequence < count / CHANNELS && !signal.aborted && connection.isOpen;) {
        const rows = random() < 0.5 ? [] : [{ a: 1 }];
        const id = `a-${(asked += 1)}`;
        const answer = await connection.ask({
          type: "request",
          id,
          action: "append_rows",
          payload: { stream_id: `c${channel}`, sequence, rows },
        });
        if (answer?.type === "response" && answer.success) {
          appended += 1;
          sequence += 1;
          continue;
        }
        const code = answer?.type === "error" ? answer.error.code : answer?.type === "response" ? answer.error!.code : "nothing";
        refused.set(code, (refused.get(code) ?? 0) + 1);
        if (code !== "RATE_LIMITED" && code !== "VALIDATION_ERROR") return;
        // A channel without rows is refused them: go on with one.
        if (code === "VALIDATION_ERROR" && rows.length > 0) return;
      }
    };
    await Promise.all(Array.from({ length: CHANNELS }, (_, channel) => fill(channel)));
    connection.close();
    const folder = target.inside && join(target.inside.dataFolder, "channels");
    const files = folder ? (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile()).length : 0;
    const most = CHANNELS * 2 + appended / A_FILE;
    return {
      counted: { appended, files, refused: JSON.stringify(Object.fromEntries(refused)) },
      broken: files > most ? [`${appended} appends made ${files} files`] : [],
    };
  },
};
