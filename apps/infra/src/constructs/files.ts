/**
 * The bucket: results' files under blobs/, values too large for an item under values/, rows that clients append under
 * channels/, the handlers' own data under data/. Nothing in it is public: files leave through signed links alone, over TLS.
 * Without versions: nearly all is written once, so they would keep what was deleted, and that is to be gone (deploy-aws.md).
 */
import { Duration, RemovalPolicy, Validations } from "aws-cdk-lib";
import { BlockPublicAccess, Bucket, BucketEncryption, HttpMethods, ObjectOwnership, type IBucket } from "aws-cdk-lib/aws-s3";
import { Construct } from "constructs";
import { PREFIXES } from "../prefixes.ts";

/**
 * Streamer deletes its objects itself when a request's retention ends; this is for what a crash left behind. S3 counts
 * from when an object was written, and the payload of a request that was scheduled is written when it is sent: nothing
 * may go before the longest delay the protocol allows (`delay_ms`, 366 days), a month of attempts, and retention.
 */
const LONGEST_WAIT_DAYS = 366;
const ATTEMPTS_DAYS = 31;
const ACCESS_LOG_DAYS = 90;
/** Rows that no run has taken until then are forgotten. */
const CHANNEL_DAYS = 7;

export interface FilesProps {
  /** How long results stay readable. */
  readonly retentionDays: number;
  /** Pages of these origins may fetch files with scripts; links that are opened need no such thing. */
  readonly allowedOrigins: readonly string[];
}

export class Files extends Construct {
  readonly bucket: Bucket;

  constructor(scope: Construct, id: string, { retentionDays, allowedOrigins }: FilesProps) {
    super(scope, id);
    const closed = {
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      encryption: BucketEncryption.S3_MANAGED,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      removalPolicy: RemovalPolicy.RETAIN,
    };
    const accessLogs = new Bucket(this, "AccessLogs", { ...closed, lifecycleRules: [{ expiration: Duration.days(ACCESS_LOG_DAYS) }] });
    Validations.of(accessLogs).acknowledge({
      id: "AwsSolutions-S1",
      reason: "It holds the access logs: logging it would log its own log.",
    });

    const leftovers = [PREFIXES.blobs, PREFIXES.values].map((prefix) => ({
      id: `expire-${prefix.slice(0, -1)}`,
      prefix,
      expiration: Duration.days(LONGEST_WAIT_DAYS + ATTEMPTS_DAYS + retentionDays),
    }));
    const channels = { id: "expire-channels", prefix: PREFIXES.channels, expiration: Duration.days(CHANNEL_DAYS) };
    this.bucket = new Bucket(this, "Bucket", {
      ...closed,
      serverAccessLogsBucket: accessLogs as IBucket,
      lifecycleRules: [{ id: "unfinished-uploads", abortIncompleteMultipartUploadAfter: Duration.days(1) }, ...leftovers, channels],
      ...(allowedOrigins.length > 0 && {
        cors: [
          {
            allowedMethods: [HttpMethods.GET, HttpMethods.HEAD],
            allowedOrigins: [...allowedOrigins],
            allowedHeaders: ["range"],
            exposedHeaders: ["Content-Disposition", "Content-Length", "Content-Range", "ETag"],
            maxAge: 3_600,
          },
        ],
      }),
    });
  }
}
