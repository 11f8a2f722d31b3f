/** The disk under the server's folder fills up at random moments, and is freed: it refuses by name, and heals by itself. */
import { execFile } from "node:child_process";
import { mkdir, open, rm, statfs } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pass } from "node:timers/promises";
import { promisify } from "node:util";
import { startLoad } from "../load.ts";
import { fixedPort, startProcess } from "../server/start.ts";
import type { Suite } from "../suite.ts";

const run = promisify(execFile);
const DISK = "64m";
const CLIENTS = 6;
const BETWEEN = 15;
const FULL_MS = [200, 1_500] as const;
const HEALS_WITHIN_MS = 20_000;
/** Old requests go soon: the disk is small. */
const options = { retentionMs: 20_000 };

export const fullDisk: Suite = {
  name: "full-disk",
  fault: "the disk under a server is full for a while",
  unit: "full disks",
  counts: { ci: 10, release: 50 },
  smoke: 2,
  needsRoot: true,
  limitSeconds: { ci: 120, release: 600 },
  async run({ count, random, scratch, signal, tell }) {
    const disk = join(scratch, "disk");
    await mkdir(disk);
    await run("mount", ["-t", "tmpfs", "-o", `size=${DISK}`, "streamer-torture", disk]).catch((cause: unknown) => {
      throw new Error("This suite mounts a small tmpfs, which needs root.", { cause });
    });
    try {
      const server = await startProcess({ dataFolder: join(disk, "data"), port: await fixedPort(random), options, logLevel: "silent" });
      const load = startLoad({ ...server, random, clients: CLIENTS, name: "d", signal });
      const broken: string[] = [];
      let filled = 0;
      let slowestMs = 0;
      for (; filled < count && !signal.aborted; filled += 1) {
        const goal = load.ended + BETWEEN;
        const from = performance.now();
        while (load.ended < goal && !signal.aborted && performance.now() - from < HEALS_WITHIN_MS) await pass(5);
        if (load.ended < goal) {
          broken.push(
            `${HEALS_WITHIN_MS} ms after disk ${filled} was freed, ${load.ended - goal + BETWEEN} of ${BETWEEN} requests had ended`,
          );
          break;
        }
        slowestMs = Math.max(slowestMs, performance.now() - from);
        await fill(disk);
        await pass(FULL_MS[0] + random() * (FULL_MS[1] - FULL_MS[0]));
        await rm(join(disk, "ballast"));
        tell(`${filled + 1} times full, ${load.ended} requests ended`);
      }
      await load.stop();
      broken.push(...(await load.verdict({ isSteady: true })));
      load.close();
      await server.stop();
      const refused = Object.entries(load.refusals).map(([code, times]) => `${times} ${code}`);
      return {
        figures: [{ full: filled, requests_ended: load.ended, refused: refused.join(", "), slowest_to_heal_ms: Math.round(slowestMs) }],
        broken,
      };
    } finally {
      await run("umount", ["-l", disk]);
    }
  },
};

async function fill(disk: string): Promise<void> {
  const ballast = await open(join(disk, "ballast"), "w");
  try {
    const { bavail, bsize } = await statfs(disk);
    const block = Buffer.alloc(65_536);
    for (let left = bavail * bsize; left > 0; left -= block.length) await ballast.write(block, 0, Math.min(left, block.length));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
  } finally {
    await ballast.close();
  }
}
