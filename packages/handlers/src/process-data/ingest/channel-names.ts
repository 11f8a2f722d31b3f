/** How channels and their segments are called where they are kept. Names that came from outside are no paths and no keys. */
import { createHash } from "node:crypto";
import type { Owner } from "@streamer/core";

const DIGITS = 12;

export const tenantName = (tenantId: string): string => hash(tenantId);
export const userName = ({ tenantId, userId }: Owner): string => hash(tenantId, userId);
export const streamName = (streamId: string): string => hash(streamId);
/** Digits enough for any sequence, so that names sort as the numbers do. */
export const digits = (value: number): string => String(value).padStart(DIGITS, "0");

const hash = (...parts: readonly string[]): string => createHash("sha256").update(parts.map(encodeURIComponent).join("/")).digest("hex");
