/** The AsyncAPI document is valid, and its schemas say of a frame what the codec says. */
import { asyncApiProblems, readerOf } from "@streamer/contract/asyncapi";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { asyncApiDocument } from "../src/asyncapi.ts";
import { CLIENT_SHAPES, SERVER_SHAPES, parseClientMessage, type ActionDescription, type JsonObject } from "../src/index.ts";
import { CLIENT_FRAMES, SERVER_FRAMES } from "./arbitrary-frames.ts";

const limits = { timeout_ms: 60_000, max_attempts: 3, permissions: [] };
const resize: ActionDescription = {
  action: "resize_images",
  description: "Makes them smaller.",
  input: {
    $schema: "http://json-schema.org/draft-07/schema#",
    type: "object",
    properties: { album: { $ref: "#/definitions/name" }, inner: { $ref: "#" } },
    required: ["album"],
    definitions: { name: { type: "string", minLength: 2 } },
  },
  output: { type: "object", properties: { url: { type: "string" } }, required: ["url"] },
  estimated_ms: 900,
  ...limits,
};
const document = asyncApiDocument({
  url: "wss://api.example.com/ws",
  serverVersion: "1.2.3",
  actions: [resize, { action: "raw.bytes-2", ...limits }],
});
const messages = (document["components"] as { messages: Record<string, JsonObject> }).messages;
const read = readerOf(document);
const accepts = (message: string) => (frame: unknown) => read(`#/components/messages/${message}/payload`, frame);

it("is valid AsyncAPI 3, whatever the handlers told", () => {
  expect(asyncApiProblems(document)).toEqual([]);
  const untold = { action: "untold", ...limits };
  expect(asyncApiProblems(asyncApiDocument({ url: "ws://127.0.0.1:1", serverVersion: "1", actions: [untold] }))).toEqual([]);
});

it("would be found out if it were not", () => {
  expect(asyncApiProblems({ ...document, operations: { x: { action: "shout" } } })).not.toEqual([]);
  expect(asyncApiProblems({ ...document, "x-lost": { $ref: "#/components/messages/nobody" } })).toEqual([
    "#/components/messages/nobody leads nowhere",
  ]);
});

it("says where to connect, and how", () => {
  expect(document).toMatchObject({
    asyncapi: "3.0.0",
    info: { version: "1.2.3" },
    servers: { socket: { host: "api.example.com", protocol: "wss" } },
    channels: { socket: { address: "/ws" } },
  });
});

it("has an operation per action, with its own payload, result and limits", () => {
  expect(document["operations"]).toMatchObject({
    "request.resize_images": { action: "receive", summary: "Makes them smaller.", "x-streamer": { estimated_ms: 900, timeout_ms: 60_000 } },
    "request.raw.bytes-2": { action: "receive" },
    cancel: { action: "receive" },
    tell: { action: "send" },
  });
  const request = accepts("client.request.resize_images");
  expect(request({ action: "resize_images", payload: { album: "a1", inner: { album: "a2" } } })).toBe(true);
  expect(request({ action: "resize_images", payload: { album: "a1", inner: { album: "a" } } })).toBe(false);
  expect(request({ action: "resize_images" })).toBe(false);
  expect(request({ action: "raw.bytes-2", payload: { album: "a1" } })).toBe(false);
  const complete = { type: "complete", request_id: "r", timestamp: 1, seq: 2, metadata: { attempts: 1, queue_ms: 0, run_ms: 1 } };
  expect(accepts("server.complete.resize_images")({ ...complete, result: { url: "u" } })).toBe(true);
  expect(accepts("server.complete.resize_images")({ ...complete, result: {} })).toBe(false);
});

describe("its schemas accept every frame there can be", () => {
  it.each([
    ...Object.entries(CLIENT_FRAMES).map(([type, frames]) => [`client.${type}`, frames] as const),
    ...Object.entries(SERVER_FRAMES).map(([type, frames]) => [`server.${type}`, frames] as const),
  ])("%s", (message, frames) => {
    const check = accepts(message);
    fc.assert(fc.property(frames, check), { numRuns: 30 });
  });

  it("and there is one for each type", () => {
    const types = [
      ...Object.keys(CLIENT_SHAPES).map((type) => `client.${type}`),
      ...Object.keys(SERVER_SHAPES).map((type) => `server.${type}`),
    ];
    expect(Object.keys(messages)).toEqual(expect.arrayContaining(types));
  });
});

it.each([
  ["request", {}],
  ["request", { action: "a", options: { priority: 10 } }],
  ["request", { action: "a", options: { mode: "soon" } }],
  ["request", { action: "a", id: "" }],
  ["request", { action: "a", metadata: { n: [1] } }],
  ["subscribe", { type: "subscribe", request_id: "r", after: -1 }],
  ["subscribe", { type: "subscribe", request_id: "r", after: "1" }],
  ["list", { type: "list", limit: 0 }],
  ["list", { type: "list", status: "DONE" }],
])("refuses what the codec refuses: %s %j", (type, frame) => {
  expect(parseClientMessage(JSON.stringify(frame)).ok).toBe(false);
  expect(accepts(`client.${type}`)(frame)).toBe(false);
});
