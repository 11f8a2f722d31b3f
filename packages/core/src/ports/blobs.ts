/**
 * Files: what results link to. A key is opaque, unique to its request and name; nothing half written is ever readable.
 * Links are signed at each read and expire (P7).
 */
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
  /** Stores a body; on failure or abort nothing is left. Replaces an earlier body of the key. */
  put(key: string, body: BlobBody, options?: PutOptions & { readonly signal?: AbortSignal }): Promise<{ readonly sizeBytes: number }>;
  /** Stores a finished local file, moved rather than copied where that is possible. */
  putFile(key: string, path: string, options?: PutOptions & { readonly signal?: AbortSignal }): Promise<{ readonly sizeBytes: number }>;
  /** The body, or undefined when there is none. */
  open(key: string): Promise<OpenedBlob | undefined>;
  /** A link that works without a token until `expiresAt` (epoch ms). */
  sign(key: string, expiresInMs: number): Promise<{ readonly url: string; readonly expiresAt: number }>;
  /** Removes every blob whose key starts with `prefix`. */
  removeAll(prefix: string): Promise<void>;
}
