/**
 * echo: answers with its payload. The shortest way to see that a connection, a token and the whole round trip work,
 * and what the sync benchmark measures.
 */
import { defineHandler } from "@streamer/core";
import type { JsonValue } from "@streamer/protocol";
import * as z from "zod";

export const echo = defineHandler({
  action: "echo",
  description: "Answers with the payload it was given.",
  // The frame was parsed from JSON: whatever arrives here is a JSON value, and absent means null.
  input: z.custom<JsonValue | undefined>(() => true),
  estimate: 1,
  run: (payload): JsonValue => payload ?? null,
});
