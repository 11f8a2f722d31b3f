/** Run as its own process by resume.test.ts: starts the operation and dies by SIGKILL instead of storing checkpoint number N. */
import { createBulkOperation } from "../../src/bulk-operation/handler.ts";
import { startRun } from "../run-handler.ts";

const [folder, input, dieAt] = process.argv.slice(2) as [string, string, string];
const run = await startRun(createBulkOperation({ folder }), JSON.parse(input), {
  blobsFolder: folder,
  onCheckpoint: (state) => {
    if ((state as { applied: number }).applied === Number(dieAt)) process.kill(process.pid, "SIGKILL");
    process.stdout.write(`${JSON.stringify(state)}\n`);
  },
});
await run.result;
