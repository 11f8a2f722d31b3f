/** Joins the parts: the only file that knows all of them. */
import { CfnOutput, Duration, Stack, type StackProps } from "aws-cdk-lib";
import type { IFunction } from "aws-cdk-lib/aws-lambda";
import type { Construct } from "constructs";
import type { Configuration } from "./configuration.ts";
import { Alarms } from "./constructs/alarms.ts";
import { ApiLoggingRole } from "./constructs/api-logging-role.ts";
import { CustomDomain } from "./constructs/custom-domain.ts";
import { Edge } from "./constructs/edge.ts";
import { Dashboard } from "./constructs/dashboard.ts";
import { Files } from "./constructs/files.ts";
import { Queues } from "./constructs/queues.ts";
import { Rollout } from "./constructs/rollout.ts";
import { Socket } from "./constructs/socket.ts";
import { StreamerFunction } from "./constructs/streamer-function.ts";
import { Tables } from "./constructs/tables.ts";
import { Triggers } from "./constructs/triggers.ts";
import { environmentOf } from "./environment.ts";
import { FEATURE_FLAGS } from "./feature-flags.ts";
import type { FunctionName } from "./functions.ts";
import { NEEDS } from "./needs.ts";
import { statementsOf } from "./permissions.ts";

/** A run that could not be started for this long is started by the sweep instead. */
const WORK_EVENT_AGE = Duration.hours(6);

export interface StreamerStackProps extends StackProps {
  readonly configuration: Configuration;
  /** Where it is going to be, if that is known as it is synthesised. */
  readonly region?: string | undefined;
  /** Folder of a function's code. */
  readonly codeFolder: (name: FunctionName) => string;
}

export class StreamerStack extends Stack {
  constructor(scope: Construct, id: string, { configuration, codeFolder, region, ...props }: StreamerStackProps) {
    super(scope, id, props);
    for (const [flag, value] of Object.entries(FEATURE_FLAGS)) this.node.setContext(flag, value);
    const { stage, arch: architecture, allowedOrigins, logRetentionDays, tracing } = configuration;
    const canary = configuration.rollout === "canary";

    const tables = new Tables(this, "Tables");
    const files = new Files(this, "Files", { retentionDays: configuration.retentionDays, allowedOrigins });
    const queues = new Queues(this, "Queues");
    const socket = new Socket(this, "Socket", {
      stage,
      logRetentionDays,
      throttle: { rateLimit: configuration.throttleRate, burstLimit: configuration.throttleBurst },
    });
    if (configuration.apiLoggingRole) socket.stage.node.addDependency(new ApiLoggingRole(this, "ApiLoggingRole"));

    const { domainName, certificateArn, hostedZoneId, hostedZoneName } = configuration;
    const hostedZone = hostedZoneId !== undefined && hostedZoneName !== undefined ? { id: hostedZoneId, name: hostedZoneName } : undefined;
    const domain = domainName !== undefined && certificateArn !== undefined ? { name: domainName, certificateArn, hostedZone } : undefined;
    const edge = configuration.edge
      ? new Edge(this, "Edge", {
          api: socket.api,
          stage,
          webAclArn: configuration.webAclArn,
          connectsPerAddress: configuration.edgeConnects,
          region,
          secretVersions: configuration.edgeSecretVersions,
          domain,
        })
      : undefined;
    const permissions = {
      tables: tables.byName,
      streamArn: tables.streamArn,
      bucket: files.bucket,
      queues,
      connectionsArn: socket.connectionsArn.bind(socket),
    };
    const variables = {
      ...(edge && { edgeSecrets: edge.secrets }),
      tables: tables.byName,
      bucketName: files.bucket.bucketName,
      delayQueueUrl: queues.delay.queueUrl,
      pushEndpoint: socket.pushEndpoint,
      epoch: tables.epoch,
    };
    const createFunction = (name: FunctionName, sizes: Sizes = {}, workArn?: string): StreamerFunction =>
      new StreamerFunction(this, name, {
        name,
        stage,
        codeFolder: codeFolder(name),
        architecture,
        logRetentionDays,
        tracing,
        environment: environmentOf(name, { ...variables, ...(workArn !== undefined && { workArn }) }, configuration),
        statements: statementsOf(NEEDS[name], { ...permissions, ...(workArn !== undefined && { workArn }) }),
        ...sizes,
      });

    const work = createFunction("work", {
      memoryMb: configuration.workMemoryMb,
      storageMb: configuration.workStorageMb,
      ...reserved(configuration.workConcurrency),
    });
    const workRollout = new Rollout(this, "WorkRollout", {
      function: work.function,
      canary,
      // Retries are Streamer's own: with another attempt, its fence and its history. A death is told to `wake` at once; needs.ts has the right to.
      asynchronous: { retryAttempts: 0, maxEventAge: WORK_EVENT_AGE, onFailure: { bind: () => ({ destination: queues.failed.queueArn }) } },
    });
    const workArn = workRollout.alias.functionArn;
    const message = createFunction("message", {
      memoryMb: configuration.messageMemoryMb,
      ...reserved(configuration.messageConcurrency),
    });
    const messageRollout = new Rollout(this, "MessageRollout", { function: message.function, canary });
    const connect = createFunction("connect", reserved(configuration.connectConcurrency));
    const disconnect = createFunction("disconnect");
    const dispatch = createFunction("dispatch", {}, workArn);
    const wake = createFunction("wake", {}, workArn);
    const sweep = createFunction("sweep", {}, workArn);

    socket.route({ connect: connect.function, disconnect: disconnect.function, message: messageRollout.alias as IFunction });
    new Triggers(this, "Triggers", {
      streamArn: tables.streamArn,
      queues,
      dispatch: dispatch.function,
      wake: wake.function,
      sweep: sweep.function,
    });

    const functions = {
      connect: connect.function,
      disconnect: disconnect.function,
      message: message.function,
      dispatch: dispatch.function,
      work: work.function,
      wake: wake.function,
      sweep: sweep.function,
    };
    const alarms = new Alarms(this, "Alarms", {
      functions,
      tables: tables.byName,
      queues,
      reserved: {
        work: configuration.workConcurrency,
        message: configuration.messageConcurrency,
        connect: configuration.connectConcurrency,
      },
      others: [workRollout.alarm, messageRollout.alarm],
      topicArn: configuration.alarmTopicArn,
    });
    new Dashboard(this, "Dashboard", { stage, api: socket.api, functions, tables: tables.byName, queues, alarms: alarms.all });

    if (domain && !edge) {
      new CustomDomain(this, "CustomDomain", {
        domainName: domain.name,
        certificateArn: domain.certificateArn,
        api: socket.api,
        stage: socket.stage,
        ...(hostedZone && { hostedZone }),
      });
    }
    new CfnOutput(this, "Url", {
      value: edge?.url ?? (domain ? `wss://${domain.name}` : socket.stage.url),
      description: "Where clients connect",
    });
    new CfnOutput(this, "DataUrl", {
      value: `s3://${files.bucket.bucketName}/data/`,
      description: "Where the files handlers read are put",
    });
    new CfnOutput(this, "ParkedQueueUrl", { value: queues.parked.queueUrl, description: "What nobody could handle" });
  }
}

interface Sizes {
  readonly memoryMb?: number;
  readonly storageMb?: number;
  readonly reservedConcurrency?: number;
}

const reserved = (concurrency: number): Sizes => (concurrency > 0 ? { reservedConcurrency: concurrency } : {});
