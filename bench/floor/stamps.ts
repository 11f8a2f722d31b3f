/** Says every 20 ms what time it is: the least that progress from a process apart can be. */
import { preciseNow } from "../clock.ts";

const EVERY_MS = 20;

setInterval(() => process.send!(preciseNow()), EVERY_MS);
process.on("disconnect", () => process.exit());
