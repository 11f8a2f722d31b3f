/**
 * process_data, stamping its progress. Both the server and its worker processes import this module; where the data is
 * reaches them in the environment.
 */
import { join } from "node:path";
import { createProcessData } from "@streamer/handlers";
import { stamped } from "./handlers.ts";

const folder = process.env.BENCH_SHOP ?? "no-shop";

export const learn = stamped(createProcessData({ dataFolder: folder, channels: join(folder, "channels") }), import.meta.url);
