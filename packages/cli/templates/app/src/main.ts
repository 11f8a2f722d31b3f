/** npm start: settings come from the environment; SIGTERM and Ctrl-C stop it gracefully. */
import { startApp } from "./app.ts";

const { HOST = "127.0.0.1", PORT = "3000", DATA_FOLDER = "data", PUBLIC_URL, NODE_ENV, DEVELOPMENT_TOKENS } = process.env;

const app = await startApp({
  host: HOST,
  port: Number(PORT),
  dataFolder: DATA_FOLDER,
  developmentTokens: NODE_ENV !== "production" || DEVELOPMENT_TOKENS === "yes",
  ...(PUBLIC_URL !== undefined && { publicUrl: PUBLIC_URL }),
});
console.log(`Open ${app.url}`);

// The second signal ends it at once.
for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => void app.stop());
// npm hands no SIGTERM on to what it has started, and ends: this would be left behind.
const { ppid } = process;
if (process.env["npm_lifecycle_event"] !== undefined) setInterval(() => process.ppid !== ppid && process.emit("SIGTERM"), 250).unref();
