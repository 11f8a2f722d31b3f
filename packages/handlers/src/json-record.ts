import type { JsonValue } from "@streamer/protocol";
import * as z from "zod";

/** An object in a result whose members are not described one by one. */
export const jsonRecord = z.record(z.string(), z.custom<JsonValue>());
