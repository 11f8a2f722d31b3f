/** `npm start -w @streamer/example-hello`: serves the handlers and prints how to reach them. */
import { startServer } from "@streamer/embedded";
import { handlers } from "./handlers.ts";

const server = await startServer({ handlers, dataFolder: "streamer-data/example-hello", port: 8080 });
console.log(`Serving at ${server.url}\nToken: ${await server.developmentToken({ userId: "me" })}`);
for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => void server.stop());
