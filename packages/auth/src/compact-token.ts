/** A token as it travels (RFC 7515 §7.1), taken apart. Nothing in it is to be believed before its signature is verified. */
import { isUtf8 } from "node:buffer";

/** What a token says of itself, or of whom it is. */
export type Claims = Readonly<Record<string, unknown>>;

export interface CompactToken {
  readonly header: Claims;
  /** The claims, if they are any: as they were signed. */
  readonly payload: Buffer;
  /** What the signature is of. */
  readonly signed: Buffer;
  readonly signature: Buffer;
}

/**
 * Undefined where the text is no token: three parts in canonical base64url, the first of which is a JSON object. Lenient
 * decoders would accept many spellings of one token.
 */
export function readCompactToken(token: string): CompactToken | undefined {
  const { 0: header, 1: payload, 2: signature, length } = token.split(".");
  if (length !== 3) return undefined;
  const parts = { header: decode(header!), payload: decode(payload!), signature: decode(signature!) };
  const said = parts.header && readObject(parts.header);
  if (!said || !parts.payload || !parts.signature) return undefined;
  const signed = Buffer.from(token.slice(0, token.length - signature!.length - 1), "latin1");
  return { header: said, payload: parts.payload, signed, signature: parts.signature };
}

/** A JSON object in UTF-8, of whose names each last one counts; undefined for anything else. */
export function readObject(bytes: Buffer): Claims | undefined {
  if (!isUtf8(bytes)) return undefined;
  try {
    const value = JSON.parse(bytes.toString("utf8")) as unknown;
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Claims) : undefined;
  } catch {
    return undefined;
  }
}

function decode(part: string): Buffer | undefined {
  const bytes = Buffer.from(part, "base64url");
  return bytes.toString("base64url") === part ? bytes : undefined;
}
