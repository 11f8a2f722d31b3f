/** `npm run bench:guards [-- --record]`: measures what is guarded, and says, or records, what has changed. */
import { parseArgs, isDeepStrictEqual } from "node:util";
import { measured, record, recorded, verdictOf } from "./guards.ts";

const { values } = parseArgs({ options: { record: { type: "boolean", default: false } } });
const [now, then] = [await measured(), recorded()];
for (const name of ["cpuToFloor", "bytesToFloor"] as const)
  console.log(`${name}: ${now.sync[name].toFixed(2)}, recorded ${then.sync[name]}: ${verdictOf(name, now.sync[name], then.sync[name])}`);
for (const [name, counts] of Object.entries(now.jobs)) {
  const before = then.jobs[name];
  console.log(
    `${name}: ${isDeepStrictEqual(counts, before) ? "as recorded" : `${JSON.stringify(counts)}, recorded ${JSON.stringify(before)}`}`,
  );
}
if (values.record) record(now);
