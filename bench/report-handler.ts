/**
 * generate_report, stamping its progress. Both the server and its worker processes import this module; where the shop is
 * reaches them in the environment.
 */
import { createGenerateReport } from "@streamer/handlers";
import { stamped } from "./handlers.ts";

export const report = stamped(createGenerateReport({ dataFolder: process.env.BENCH_SHOP ?? "no-shop" }), import.meta.url);
