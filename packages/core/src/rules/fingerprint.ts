/** Tells the same request from another under one id: by action and payload, as a text of bounded length. */
import type { Engine } from "../ports/engine.ts";

/** Longer ones are told by their digest, so that nobody can make two payloads that pass for one. */
const MAX_LENGTH = 4_096;

export function fingerprintOf(action: string, payloadText: string, digest: Engine["digest"]): string {
  const text = `${action} ${payloadText}`;
  return text.length <= MAX_LENGTH ? text : digest(text);
}
