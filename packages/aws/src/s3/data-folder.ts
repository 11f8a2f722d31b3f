/** Copies what handlers read (files under the data prefix of the bucket) to this environment's disk, once when it starts. */
import { createWriteStream } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname, join, normalize, sep } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { GetObjectCommand, ListObjectsV2Command, S3Client } from "@aws-sdk/client-s3";
import { DATA_FOLDER, required, VARIABLES, type Variables } from "../functions/settings.ts";

export async function syncDataFolder(variables: Variables): Promise<void> {
  const prefix = variables[VARIABLES.dataPrefix];
  if (prefix === undefined || prefix === "") return;
  const client = new S3Client({ forcePathStyle: variables["AWS_ENDPOINT_URL_S3"] !== undefined });
  await copyObjects(client, { bucket: required(variables, VARIABLES.bucket), prefix, folder: DATA_FOLDER });
}

interface Copy {
  readonly bucket: string;
  readonly prefix: string;
  readonly folder: string;
}

export async function copyObjects(client: S3Client, { bucket, prefix, folder }: Copy): Promise<void> {
  let from: string | undefined;
  do {
    const { Contents = [], NextContinuationToken } = await client.send(
      new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, ContinuationToken: from }),
    );
    for (const { Key: key = "" } of Contents) {
      const path = normalize(join(folder, key.slice(prefix.length)));
      // A key is any text: one that would lead out of the folder is not copied.
      if (key.endsWith("/") || !path.startsWith(normalize(folder) + sep)) continue;
      const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
      await mkdir(dirname(path), { recursive: true });
      await pipeline(Body as Readable, createWriteStream(path));
    }
    from = NextContinuationToken;
  } while (from !== undefined);
}
