/** The bucket as the engine uses it: whole objects by key. Links are signed by the SDK itself, which needs no network for it. */
import {
  NoSuchKey,
  NotFound,
  S3Client,
  type DeleteObjectCommandInput,
  type GetObjectCommandInput,
  type HeadObjectCommandInput,
  type ListObjectsV2CommandInput,
  type PutObjectCommandInput,
} from "@aws-sdk/client-s3";
import { serviceError } from "./dynamodb/database.ts";
import { UnknownToModel } from "./dynamodb/values.ts";

export interface Bucket {
  /** Does a call by the name of its command. */
  execute(command: string, input: object): object;
  /** The text of an object: undefined when there is none. */
  text(key: string): string | undefined;
  keys(): readonly string[];
}

interface Stored {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly contentType: string;
}

/** Knows how to sign, and calls nobody: made once, for all worlds. */
export const signer = new S3Client({
  endpoint: "http://files.test",
  region: "eu-central-1",
  credentials: { accessKeyId: "simulated", secretAccessKey: "simulated" },
  forcePathStyle: true,
});

export function createBucket(): Bucket {
  const objects = new Map<string, Stored>();

  const COMMANDS: Readonly<Record<string, (input: never) => object>> = {
    PutObjectCommand: ({
      Key = "",
      Body: body,
      ContentType: contentType = "application/octet-stream",
      IfNoneMatch,
    }: PutObjectCommandInput) => {
      if (typeof body !== "string" && !(body instanceof Uint8Array)) throw new UnknownToModel("An object is put as a stream.");
      if (IfNoneMatch === "*" && objects.has(Key)) throw serviceError("PreconditionFailed");
      objects.set(Key, { bytes: Uint8Array.from(Buffer.from(body)), contentType });
      return {};
    },
    GetObjectCommand: ({ Key = "" }: GetObjectCommandInput) => {
      const stored = objects.get(Key);
      if (!stored) throw new NoSuchKey({ message: "The specified key does not exist.", $metadata: {} });
      const { bytes, contentType } = stored;
      const Body = { transformToString: async () => Buffer.from(bytes).toString(), transformToWebStream: () => new Blob([bytes]).stream() };
      return { Body, ContentLength: bytes.length, ContentType: contentType };
    },
    HeadObjectCommand: ({ Key = "" }: HeadObjectCommandInput) => {
      const stored = objects.get(Key);
      if (!stored) throw new NotFound({ message: "Not Found", $metadata: {} });
      return { ContentLength: stored.bytes.length, ContentType: stored.contentType };
    },
    ListObjectsV2Command: ({ Prefix = "" }: ListObjectsV2CommandInput) => {
      const keys = Array.from(objects.keys()).filter((key) => key.startsWith(Prefix));
      return { Contents: keys.toSorted().map((Key) => ({ Key, Size: objects.get(Key)!.bytes.length })) };
    },
    DeleteObjectCommand: ({ Key = "" }: DeleteObjectCommandInput) => {
      objects.delete(Key);
      return {};
    },
  };

  return {
    execute: (command, input) => {
      const run = COMMANDS[command];
      if (!run) throw new UnknownToModel(`The call ${command} is not known.`);
      return run(input as never);
    },
    text: (key) => {
      const stored = objects.get(key);
      return stored && Buffer.from(stored.bytes).toString();
    },
    keys: () => Array.from(objects.keys()),
  };
}
