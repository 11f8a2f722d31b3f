import { once } from "node:events";
import { createServer } from "node:http";
import next from "next";
import { announce, attachStreamer } from "./streamer.js";

const app = next({ dev: true });
await app.prepare();
const handle = app.getRequestHandler();
const server = createServer((request, response) => handle(request, response)).listen(0, "127.0.0.1");
await once(server, "listening");
announce(
  await attachStreamer(server, async () => {
    server.closeAllConnections();
    await app.close();
    process.exit(0);
  }),
);
