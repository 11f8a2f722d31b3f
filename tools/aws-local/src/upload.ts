/** Puts the files of a folder under the prefix that the functions copy their data from. */
import { createReadStream } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import type { AwsLocal } from "./start.ts";

/** Names in @streamer/aws's settings. */
const BUCKET = "STREAMER_BUCKET";
const PREFIX = "STREAMER_DATA_PREFIX";

/** Answers with the number of files. */
export async function uploadData(aws: AwsLocal, folder: string): Promise<number> {
  const [bucket, prefix] = [aws.variable(BUCKET), aws.variable(PREFIX)];
  if (bucket === undefined || prefix === undefined) throw new Error(`No function of the stack has both ${BUCKET} and ${PREFIX}.`);
  const { region, credentials, endpoints } = aws;
  const s3 = new S3Client({ region, credentials, endpoint: endpoints.s3, requestChecksumCalculation: "WHEN_REQUIRED" });
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  for (const file of files) {
    const key = prefix + relative(folder, file).split(sep).join("/");
    const { size } = await stat(file);
    await s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: createReadStream(file), ContentLength: size }));
  }
  s3.destroy();
  return files.length;
}
