/**
 * The server is stopped by SIGSTOP for longer than its leases and goes on, or its wall clock jumps (libfaketime), with
 * work in progress: nothing is taken from an owner that lives, and what is due comes when it is due.
 */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pass } from "node:timers/promises";
import { startLoad } from "../load.ts";
import { requireFaketime } from "../server/requirements.ts";
import { fixedPort, startProcess } from "../server/start.ts";
import type { Suite } from "../suite.ts";

const CLIENTS = 8;
/** Of the server under test: short, so that many pauses outlast it. */
const LEASE_MS = 600;
const PAUSE_MS = [700, 1_300] as const;
/** Far from the hour for which its tokens are valid. */
const JUMPS_S = [-1_200, -300, -20, 20, 300, 1_200] as const;
/** Requests that end between two faults: the server goes on. */
const BETWEEN = 10;

export const pauses: Suite = {
  name: "pauses",
  fault: "the server is paused past its leases (SIGSTOP), or its wall clock jumps (libfaketime)",
  unit: "pauses and jumps",
  counts: { ci: 40, release: 200 },
  smoke: 3,
  limitSeconds: { ci: 200, release: 900 },
  async run({ count, random, scratch, signal, tell }) {
    const preload = await requireFaketime();
    const clock = join(scratch, "clock");
    const setClock = (seconds: number): Promise<void> => writeFile(clock, `${seconds < 0 ? "" : "+"}${seconds}`);
    await setClock(0);
    const env = { LD_PRELOAD: preload, FAKETIME_TIMESTAMP_FILE: clock, FAKETIME_NO_CACHE: "1", FAKETIME_DONT_FAKE_MONOTONIC: "1" };
    const server = await startProcess({
      dataFolder: join(scratch, "data"),
      port: await fixedPort(random),
      options: { leaseMs: LEASE_MS },
      env,
    });
    const load = startLoad({ ...server, random, clients: CLIENTS, name: "p", signal });
    const broken: string[] = [];
    const done = { pauses: 0, jumps: 0 };
    let offset = 0;
    for (let at = 0; at < count && !signal.aborted; at += 1) {
      const goal = load.ended + BETWEEN;
      const from = performance.now();
      while (load.ended < goal && !signal.aborted && performance.now() - from < 30_000) await pass(10);
      if (load.ended < goal) {
        broken.push(`fault ${at}: no more than ${BETWEEN + load.ended - goal} requests ended in 30 s after the one before`);
        break;
      }
      if (random() < 0.5) {
        server.signal("SIGSTOP");
        await pass(PAUSE_MS[0] + random() * (PAUSE_MS[1] - PAUSE_MS[0]));
        server.signal("SIGCONT");
        done.pauses += 1;
      } else {
        // Never further from the true time than one jump: its tokens stay valid.
        offset = offset === 0 ? JUMPS_S[Math.floor(random() * JUMPS_S.length)]! : 0;
        await setClock(offset);
        done.jumps += 1;
      }
      if (at % 20 === 19) tell(`${at + 1} faults, ${load.ended} requests ended`);
    }
    await load.stop();
    // The verdict comes by a new connection, whose token is not valid yet by a clock that is behind.
    await setClock(0);
    // Nobody died: each attempt has its reason.
    broken.push(...(await load.verdict({ isSteady: true })));
    load.close();
    await server.stop();
    return { figures: [{ ...done, requests_ended: load.ended }], broken };
  },
};
