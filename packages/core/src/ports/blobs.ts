/**
 * Files: what results link to. A key is opaque, unique to its request and name; nothing half written is ever readable.
 * Links are signed at each read and expire (P7).
 */
import type { RequestKey } from "./requests.ts";

export type BlobBody = string | Uint8Array | ReadableStream<Uint8Array> | AsyncIterable<Uint8Array | string>;

export interface PutOptions {
  /** Default application/octet-stream. */
  readonly contentType?: string;
  /** Name a browser saves the file under. Default the blob's name. */
  readonly filename?: string;
}

/** A stored body, to be read once. */
export interface OpenedBlob {
  readonly body: ReadableStream<Uint8Array>;
  readonly sizeBytes: number;
  readonly contentType: string;
}

export interface Blobs {
  /** Stores a body and replaces an earlier one under the key. On failure or abort nothing is left behind. */
  put(key: string, body: BlobBody, options?: PutOptions & { readonly signal?: AbortSignal }): Promise<{ readonly sizeBytes: number }>;
  /** Stores a finished local file, which is moved instead of copied where possible. */
  putFile(key: string, path: string, options?: PutOptions & { readonly signal?: AbortSignal }): Promise<{ readonly sizeBytes: number }>;
  /** Opens the body under the key. Resolves to undefined when there is none. */
  open(key: string): Promise<OpenedBlob | undefined>;
  /**
   * Returns a link that works without a token until `expiresAt` (epoch ms). With the connection it is for, it leads there by
   * the address that its client came by, where an engine has several.
   */
  sign(key: string, expiresInMs: number, connectionId?: string): Promise<{ readonly url: string; readonly expiresAt: number }>;
  /**
   * What marks the links of one request in what is stored of it: 22 characters or more of base64url, the same at each call
   * and in every process of the store. Nobody outside is told or can guess it, so that a text that only looks like a link is
   * none.
   */
  linkMark(request: RequestKey): Promise<string>;
  /** Removes every blob whose key starts with `prefix`. */
  removeAll(prefix: string): Promise<void>;
}
