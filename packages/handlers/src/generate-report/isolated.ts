/**
 * The module a child process imports to run reports: it reads its options from its own URL, the one thing that reaches
 * a child of any engine. Heavy work in a child keeps the sockets live, and a crash or a lack of memory inside DuckDB
 * ends that child alone.
 */
import { createGenerateReport, optionsOf } from "./generate-report.ts";

export const generateReport = createGenerateReport(optionsOf(import.meta.url));
