/**
 * A text that may travel: of bounded length in UTF-16 code units, and well-formed. A cut in the middle of a character, or
 * half of one that somebody wrote, would make the whole frame one that clients refuse.
 */
export function boundedText(text: string, maxLength: number): string {
  if (text.length <= maxLength) return text.toWellFormed();
  const isCut = (text.charCodeAt(maxLength - 1) & 0xfc00) === 0xd800;
  return text.slice(0, isCut ? maxLength - 1 : maxLength).toWellFormed();
}
