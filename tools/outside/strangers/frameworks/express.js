import { createServer } from "node:http";
import { existsSync } from "node:fs";
import { once } from "node:events";
import express from "express";
import { announce, attachStreamer } from "./streamer.js";

const app = express();
let session;
app.get("/hello", (_, response) => response.send("hello"));
app.get("/session", (_, response) => response.json(session));
if (existsSync("dist")) app.use(express.static("dist"));
const server = createServer(app).listen(0, "127.0.0.1");
await once(server, "listening");
session = await attachStreamer(server);
announce(session);
