/**
 * Links to files in stored results. A handler gets placeholders, strings of their own pattern; whenever a frame or
 * snapshot leaves, the placeholders in its text become freshly signed links (P7). A placeholder names a blob of its own
 * request only (P10), and carries that request's mark, which nobody outside knows: whatever a user sends, in a payload, an
 * id or a reason, never becomes a link, nor costs a signature.
 */
const PREFIX = "streamer-blob:";
/** Links in one value: each is signed whenever it is read. */
export const MAX_LINKS = 1_000;
/** As every mark looks. Whole JSON strings only: inside a longer string the quotes would be escaped and so not match. */
const ANY_LINK = /"streamer-blob:[\w-]{22,64}:(?:url|expires):/g;

export const urlPlaceholder = (mark: string, name: string): string => `${PREFIX}${mark}:url:${encodeURIComponent(name)}`;

export const expiryPlaceholder = (mark: string, name: string): string => `${PREFIX}${mark}:expires:${encodeURIComponent(name)}`;

export const mayHoldLinks = (text: string): boolean => text.includes(PREFIX);

/** How many strings of a JSON text are of the pattern of links. */
export const countLinks = (text: string): number => (mayHoldLinks(text) ? Array.from(text.matchAll(ANY_LINK)).length : 0);

/** Replaces each placeholder with the mark in a JSON text by what `sign` answers for the (encoded) blob name. */
export async function signLinks(
  text: string,
  mark: string,
  sign: (name: string) => Promise<{ readonly url: string; readonly expiresAt: number }>,
): Promise<string> {
  const placeholder = new RegExp(String.raw`"${PREFIX}${mark}:(url|expires):([^"\\]+)"`, "g");
  const names = new Set(Array.from(text.matchAll(placeholder), (match) => match[2]!));
  if (names.size === 0) return text;
  const links = new Map(await Promise.all(Array.from(names, async (name) => [name, await sign(name)] as const)));
  return text.replaceAll(placeholder, (_, part: string, name: string) => {
    const link = links.get(name)!;
    return JSON.stringify(part === "url" ? link.url : new Date(link.expiresAt).toISOString());
  });
}
