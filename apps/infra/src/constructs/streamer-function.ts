/**
 * One function with its bundle, its log group and its role. The role holds exactly the statements of permissions.ts and
 * the right to write its own log: no managed policy, which would be wider.
 */
import { Duration, RemovalPolicy, Size } from "aws-cdk-lib";
import { PolicyDocument, PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { Architecture, Code, Function, LoggingFormat, Runtime, Tracing } from "aws-cdk-lib/aws-lambda";
import { LogGroup, type RetentionDays } from "aws-cdk-lib/aws-logs";
import { Construct } from "constructs";
import { acknowledgeWildcards } from "../acknowledgements.ts";
import { planOf, type ArchitectureName, type FunctionName } from "../functions.ts";

export interface StreamerFunctionProps {
  readonly name: FunctionName;
  readonly stage: string;
  /** Folder with index.mjs. */
  readonly codeFolder: string;
  readonly architecture: ArchitectureName;
  readonly environment: Readonly<Record<string, string>>;
  readonly statements: readonly PolicyStatement[];
  readonly logRetentionDays: number;
  readonly tracing: boolean;
  readonly memoryMb?: number;
  readonly storageMb?: number;
  readonly reservedConcurrency?: number;
}

export class StreamerFunction extends Construct {
  readonly function: Function;
  readonly logGroup: LogGroup;

  constructor(scope: Construct, id: string, props: StreamerFunctionProps) {
    super(scope, id);
    const { name, stage, codeFolder, architecture, environment, statements, logRetentionDays, tracing, memoryMb, storageMb } = props;
    const plan = planOf(name);
    this.logGroup = new LogGroup(this, "Log", {
      logGroupName: `/streamer/${stage}/${name}`,
      retention: logRetentionDays as RetentionDays,
      // A log group of this name that was kept would be in the way of the next stack of the same stage.
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const needs = [...statements, ...(tracing ? [TRACE] : [])];
    const role = new Role(this, "Role", {
      assumedBy: new ServicePrincipal("lambda.amazonaws.com"),
      description: `Streamer ${stage}: ${name}`,
      inlinePolicies: { needs: new PolicyDocument({ statements: [...needs, writesTo(this.logGroup)] }) },
    });
    acknowledgeWildcards(role, needs);
    this.function = new Function(this, "Function", {
      description: plan.description,
      runtime: Runtime.NODEJS_24_X,
      architecture: architecture === "arm64" ? Architecture.ARM_64 : Architecture.X86_64,
      code: Code.fromAsset(codeFolder),
      handler: "index.handler",
      role,
      timeout: Duration.seconds(plan.timeoutSeconds),
      memorySize: memoryMb ?? plan.memoryMb,
      logGroup: this.logGroup,
      // Lines that are JSON already stay as they are: structured logs, and metrics in the embedded metric format.
      loggingFormat: LoggingFormat.JSON,
      environment: { ...environment },
      tracing: tracing ? Tracing.ACTIVE : Tracing.DISABLED,
      ...(storageMb !== undefined && { ephemeralStorageSize: Size.mebibytes(storageMb) }),
      ...(props.reservedConcurrency !== undefined && { reservedConcurrentExecutions: props.reservedConcurrency }),
      // Kept, so that an alias can be pointed back at any of them in a moment.
      currentVersionOptions: { removalPolicy: RemovalPolicy.RETAIN },
    });
  }
}

/** The log group's ARN ends in `:*`, for the streams in it, which Lambda names. */
const writesTo = (logGroup: LogGroup): PolicyStatement =>
  new PolicyStatement({ actions: ["logs:CreateLogStream", "logs:PutLogEvents"], resources: [logGroup.logGroupArn] });

const TRACE = new PolicyStatement({ actions: ["xray:PutTelemetryRecords", "xray:PutTraceSegments"], resources: ["*"] });
