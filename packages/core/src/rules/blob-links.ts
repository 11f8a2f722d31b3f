/**
 * Links to files in stored results. A handler gets placeholders, strings of their own pattern; whenever a frame or
 * snapshot leaves, the placeholders in its text become freshly signed links (P7). A placeholder names a blob of its own
 * request only, so a handler that repeats what a user sent can never link to somebody else's file (P10).
 */
const PREFIX = "streamer-blob:";
// Whole JSON strings only: inside a longer string the quotes would be escaped and so not match.
const PLACEHOLDER = /"streamer-blob:(url|expires):([^"\\]+)"/g;

export function urlPlaceholder(name: string): string {
  return `${PREFIX}url:${encodeURIComponent(name)}`;
}

export function expiryPlaceholder(name: string): string {
  return `${PREFIX}expires:${encodeURIComponent(name)}`;
}

/** Replaces each placeholder in a JSON text by what `sign` answers for the (encoded) blob name. */
export async function signLinks(
  text: string,
  sign: (name: string) => Promise<{ readonly url: string; readonly expiresAt: number }>,
): Promise<string> {
  if (!text.includes(PREFIX)) return text;
  const names = new Set(Array.from(text.matchAll(PLACEHOLDER), (match) => match[2]!));
  const links = new Map(await Promise.all(Array.from(names, async (name) => [name, await sign(name)] as const)));
  return text.replaceAll(PLACEHOLDER, (_, part: string, name: string) => {
    const link = links.get(name)!;
    return JSON.stringify(part === "url" ? link.url : new Date(link.expiresAt).toISOString());
  });
}
