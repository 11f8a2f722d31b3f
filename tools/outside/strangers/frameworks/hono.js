import { once } from "node:events";
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { announce, attachStreamer } from "./streamer.js";

const app = new Hono().get("/hello", (context) => context.text("hello"));
const server = serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" });
if (!server.listening) await once(server, "listening");
announce(await attachStreamer(server));
