/** `npm start -w @streamer/example-react`: makes the sample shop, serves the app, and says where. */
import { serveReports } from "./serve.ts";

const reports = await serveReports({ folder: "streamer-data/example-react", port: Number(process.env["PORT"] ?? 5173) });
console.log(`Reports at ${reports.url}`);
for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => void reports.stop());
