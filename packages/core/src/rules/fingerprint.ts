/** Tells the same request from another under one id: by action and payload, as a text of bounded length. */

/** Longer ones are told by their hash. */
const MAX_LENGTH = 4_096;

/** SHA-256 of what is long (FIPS 180-4), so that nobody can make two payloads that pass for one. */
export function fingerprintOf(action: string, payloadText: string): string | Promise<string> {
  const text = `${action} ${payloadText}`;
  return text.length <= MAX_LENGTH ? text : hashOf(text);
}

async function hashOf(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
