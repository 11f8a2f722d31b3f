/** The bucket a function was told of, for what handlers keep there themselves. */
import { S3Client } from "@aws-sdk/client-s3";
import { systemClock } from "../clock.ts";
import { required, VARIABLES, type Variables } from "../functions/settings.ts";
import { createObjects, type Objects } from "./objects.ts";

/** Opened at its first use: a module of handlers is also loaded where there is no bucket, to be looked at. */
export function bucketIn(variables: Variables): () => Objects {
  let opened: Objects | undefined;
  return () => (opened ??= openBucket(variables));
}

function openBucket(variables: Variables): Objects {
  const client = new S3Client({ forcePathStyle: variables["AWS_ENDPOINT_URL_S3"] !== undefined });
  return createObjects(client, required(variables, VARIABLES.bucket), systemClock);
}
