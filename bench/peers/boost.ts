/**
 * Precedence over other work on a machine that is shared: a CPU cgroup of our own with a large weight. (A nice value would
 * not do: it counts within one session, and PostgreSQL's processes begin their own.) Needs root; removed at the end.
 */
import { existsSync, mkdirSync, rmdirSync, writeFileSync } from "node:fs";

const FIRST_VERSION = "/sys/fs/cgroup/cpu";
const NAME = "streamer-bench";

export function boost(): void {
  const isFirst = existsSync(`${FIRST_VERSION}/cpu.shares`);
  const base = isFirst ? FIRST_VERSION : "/sys/fs/cgroup";
  const folder = `${base}/${NAME}`;
  mkdirSync(folder, { recursive: true });
  const [file, most] = isFirst ? ["cpu.shares", "262144"] : ["cpu.weight", "10000"];
  writeFileSync(`${folder}/${file}`, most);
  writeFileSync(`${folder}/cgroup.procs`, String(process.pid));
  process.on("exit", () => {
    try {
      writeFileSync(`${base}/cgroup.procs`, String(process.pid));
      rmdirSync(folder);
    } catch {
      // Children that are about to end are still in it: the folder stays, empty, and is used again.
    }
  });
}
