import Fastify from "fastify";
import { announce, attachStreamer } from "./streamer.js";

const app = Fastify();
app.get("/hello", async () => "hello");
await app.listen({ port: 0, host: "127.0.0.1" });
announce(await attachStreamer(app.server, () => app.close()));
