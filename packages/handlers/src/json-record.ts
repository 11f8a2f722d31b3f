import type { JsonValue } from "@streamer/protocol";
import * as z from "zod";

/** In a result, an object whose members are not told one by one. */
export const jsonRecord = z.record(z.string(), z.custom<JsonValue>());
