/**
 * delay   wakeups: each message waits up to 15 minutes, by its own DelaySeconds
 * failed  work invocations that died, as Lambda's destination records: their leases are released at once
 * parked  what nobody could handle; kept for 14 days, and an alarm says so
 */
import { Duration, Validations } from "aws-cdk-lib";
import { Queue, QueueEncryption, type DeadLetterQueue } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import { FUNCTIONS } from "../functions.ts";

/** A message is not read again while it is being handled: six times the function's timeout, as Lambda's guide has it. */
const VISIBILITY_TIMEOUTS = 6;
/** The sweep finds what a message would have woken, so there is no need to try for long. */
const RECEIVES = 10;
const PARKED_DAYS = 14;

export class Queues extends Construct {
  readonly delay: Queue;
  readonly failed: Queue;
  readonly parked: Queue;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    const sealed = { encryption: QueueEncryption.SQS_MANAGED, enforceSSL: true };
    this.parked = new Queue(this, "parked", { ...sealed, retentionPeriod: Duration.days(PARKED_DAYS) });
    Validations.of(this.parked).acknowledge({ id: "AwsSolutions-SQS3", reason: "It is the dead-letter queue of the others." });
    const deadLetterQueue: DeadLetterQueue = { queue: this.parked, maxReceiveCount: RECEIVES };
    const visibilityTimeout = Duration.seconds(VISIBILITY_TIMEOUTS * FUNCTIONS.wake.timeoutSeconds);
    this.delay = new Queue(this, "delay", { ...sealed, deadLetterQueue, visibilityTimeout });
    this.failed = new Queue(this, "failed", { ...sealed, deadLetterQueue, visibilityTimeout });
  }
}
