/** The bucket: objects by key. Whole or not at all: a multipart upload that fails or is aborted leaves no object. */
import { stat } from "node:fs/promises";
import { createReadStream } from "node:fs";
import { Readable } from "node:stream";
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  NoSuchKey,
  NotFound,
  PutObjectCommand,
  type _Object,
  type S3Client,
} from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { storageError, withStorageErrors } from "../storage-errors.ts";
import { StreamerError, type BlobBody, type Clock, type PutOptions } from "@streamer/core";

interface Written {
  readonly sizeBytes: number;
}
interface Listed extends Written {
  readonly key: string;
}
export interface Objects {
  put(key: string, body: BlobBody, options?: PutOptions & { readonly signal?: AbortSignal }): Promise<Written>;
  putFile(key: string, path: string, options?: PutOptions & { readonly signal?: AbortSignal }): Promise<Written>;
  /** Stores a text unless there is an object of this key: false then. Of two at once one is stored. */
  create(key: string, text: string): Promise<boolean>;
  open(
    key: string,
  ): Promise<{ readonly body: ReadableStream<Uint8Array>; readonly sizeBytes: number; readonly contentType: string } | undefined>;
  /** Undefined when there is no object of this key. */
  sizeOf(key: string): Promise<number | undefined>;
  readText(key: string): Promise<string>;
  sign(key: string, expiresInMs: number): Promise<{ readonly url: string; readonly expiresAt: number }>;
  /** In the order of their keys, as of now (S3 User Guide, "Amazon S3 data consistency model"). */
  list(prefix: string): Promise<readonly Listed[]>;
  /** Answers what is gone. */
  removeAll(prefix: string): Promise<readonly Listed[]>;
}

/** A signature version 4 link lives at most this long (S3 User Guide, "Sharing objects with presigned URLs"). */
const MAX_LINK_SECONDS = 7 * 86_400;
/** There is an object; or one is being written this moment (S3 User Guide, "Conditional writes"). */
const TAKEN = new Set(["PreconditionFailed", "ConditionalRequestConflict"]);

export function createObjects(s3: S3Client, bucket: string, clock: Pick<Clock, "now">): Objects {
  const client = withStorageErrors(s3);
  const describe = ({ contentType = "application/octet-stream", filename }: PutOptions) => ({
    ContentType: contentType,
    ...(filename !== undefined && { ContentDisposition: attachment(filename) }),
  });

  async function putStream(key: string, body: Readable, options: PutOptions & { readonly signal?: AbortSignal }): Promise<Written> {
    let sizeBytes = 0;
    const counted = body.map((piece: Uint8Array | string) => {
      const bytes = typeof piece === "string" ? Buffer.from(piece) : piece;
      sizeBytes += bytes.byteLength;
      return bytes;
    });
    const upload = new Upload({ client, params: { Bucket: bucket, Key: key, Body: counted, ...describe(options) } });
    const abort = (): void => void upload.abort();
    options.signal?.addEventListener("abort", abort, { once: true });
    // The upload would wait for ever for a source that has failed.
    const failed = new Promise<never>((_, reject) => body.once("error", reject));
    try {
      await Promise.race([upload.done(), failed]);
      return { sizeBytes };
    } catch (error) {
      await upload.abort().catch(() => undefined);
      options.signal?.throwIfAborted();
      throw error;
    } finally {
      options.signal?.removeEventListener("abort", abort);
    }
  }

  return {
    put: async (key, body, options = {}) => {
      const { signal } = options;
      signal?.throwIfAborted();
      if (typeof body !== "string" && !(body instanceof Uint8Array)) {
        return putStream(key, body instanceof ReadableStream ? Readable.fromWeb(body as never) : Readable.from(body), options);
      }
      const bytes = typeof body === "string" ? Buffer.from(body) : body;
      await client.send(
        new PutObjectCommand({ Bucket: bucket, Key: key, Body: bytes, ...describe(options) }),
        signal ? { abortSignal: signal } : {},
      );
      return { sizeBytes: bytes.byteLength };
    },
    putFile: async (key, path, options = {}) => {
      options.signal?.throwIfAborted();
      const stats = await stat(path);
      if (!stats.isFile()) throw new StreamerError("STORAGE_ERROR", `${path} is not a regular file; putFile stores finished files.`);
      return putStream(key, createReadStream(path), options);
    },
    create: async (key, text) => {
      try {
        await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: text, IfNoneMatch: "*" }));
        return true;
      } catch (error) {
        if (TAKEN.has((error as Error).name)) return false;
        throw error;
      }
    },
    open: async (key) => {
      try {
        const {
          Body,
          ContentLength = 0,
          ContentType = "application/octet-stream",
        } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
        return { body: Body!.transformToWebStream() as ReadableStream<Uint8Array>, sizeBytes: ContentLength, contentType: ContentType };
      } catch (error) {
        if (error instanceof NoSuchKey) return undefined;
        throw error;
      }
    },
    sizeOf: async (key) => {
      try {
        return (await client.send(new HeadObjectCommand({ Bucket: bucket, Key: key }))).ContentLength ?? 0;
      } catch (error) {
        if (error instanceof NotFound) return undefined;
        throw error;
      }
    },
    readText: async (key) => {
      const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
      try {
        return await Body!.transformToString("utf-8");
      } catch (error) {
        // Cut off in the middle.
        throw storageError(error);
      }
    },
    sign: async (key, expiresInMs) => {
      const seconds = Math.min(MAX_LINK_SECONDS, Math.max(1, Math.floor(expiresInMs / 1_000)));
      const now = clock.now();
      const url = await getSignedUrl(client, new GetObjectCommand({ Bucket: bucket, Key: key }), {
        expiresIn: seconds,
        signingDate: new Date(now),
      });
      return { url, expiresAt: now + seconds * 1_000 };
    },
    list: async (prefix) => {
      const listed: Listed[] = [];
      let from: string | undefined;
      do {
        const { Contents = [], NextContinuationToken } = await client.send(
          new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, ContinuationToken: from }),
        );
        listed.push(...Contents.map(asListed));
        from = NextContinuationToken;
      } while (from !== undefined);
      return listed;
    },
    removeAll: async (prefix) => {
      const removed: Listed[] = [];
      for (;;) {
        const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix }));
        if (Contents.length === 0) return removed;
        await Promise.all(Contents.map(({ Key }) => client.send(new DeleteObjectCommand({ Bucket: bucket, Key: Key! }))));
        removed.push(...Contents.map(asListed));
      }
    },
  };
}

const asListed = ({ Key = "", Size = 0 }: _Object): Listed => ({ key: Key, sizeBytes: Size });

/** RFC 6266: a plain name for old readers, the exact one beside it. */
function attachment(filename: string): string {
  const plain = filename.replaceAll(/[^\w .()-]/g, "_");
  return `attachment; filename="${plain}"; filename*=UTF-8''${encodeURIComponent(filename).replaceAll(/['()*]/g, (mark) => `%${mark.charCodeAt(0).toString(16)}`)}`;
}
