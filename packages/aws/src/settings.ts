/** What the functions are told by their environment. Read once, at the edge; everything inside is handed its part. */
import type { TableNames } from "./table.ts";

export interface Settings {
  readonly tables: TableNames;
  /** Bucket of files and of values too large for an item. */
  readonly bucket: string;
  /** SQS queue whose messages wait up to 15 minutes: wakeups. */
  readonly delayQueueUrl: string;
  /** Function that runs requests. */
  readonly workFunction: string;
  /** `https://{api}.execute-api.{region}.amazonaws.com/{stage}` */
  readonly pushEndpoint: string;
  /** Names the store: changes when its tables are made anew. */
  readonly epoch: string;
}

/** Environment variable of each setting. The CDK app sets those a function needs. */
export const VARIABLES = {
  requests: "STREAMER_REQUESTS_TABLE",
  events: "STREAMER_EVENTS_TABLE",
  connections: "STREAMER_CONNECTIONS_TABLE",
  subscriptions: "STREAMER_SUBSCRIPTIONS_TABLE",
  limits: "STREAMER_LIMITS_TABLE",
  bucket: "STREAMER_BUCKET",
  delayQueueUrl: "STREAMER_DELAY_QUEUE_URL",
  workFunction: "STREAMER_WORK_FUNCTION",
  pushEndpoint: "STREAMER_PUSH_ENDPOINT",
  epoch: "STREAMER_EPOCH",
  /** JSON of core's PartialOptions. */
  options: "STREAMER_OPTIONS",
  /** One of three: whose tokens are accepted. */
  jwks: "STREAMER_JWKS_URL",
  publicKey: "STREAMER_PUBLIC_KEY",
  issuer: "STREAMER_ISSUER",
  audience: "STREAMER_AUDIENCE",
  /** Exact browser origins, with commas. */
  allowedOrigins: "STREAMER_ALLOWED_ORIGINS",
  /** Prefix in the bucket whose files the handlers read, copied to DATA_FOLDER when a function starts. */
  dataPrefix: "STREAMER_DATA_PREFIX",
  logLevel: "STREAMER_LOG_LEVEL",
} as const;

/** Where the files under the data prefix are found by handlers. */
export const DATA_FOLDER = "/tmp/streamer-data";
