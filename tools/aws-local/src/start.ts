/**
 * startAwsLocal: the services, the functions and what invokes them, joined in the order in which one needs the other:
 * addresses first, then tables and buckets, then functions (whose environment names all of those), then what wakes them.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TokenTerms } from "@streamer/auth";
import { planAsync, planFunctions, type FunctionPlan } from "./assembly/functions.ts";
import { permissions, planGateway, type GatewayPlan } from "./assembly/gateway.ts";
import type { RunningFacts } from "./assembly/names.ts";
import { planMappings, planSchedules, type MappingPlan } from "./assembly/sources.ts";
import { openStack, type Stack } from "./assembly/stack.ts";
import { readAssembly } from "./assembly/template.ts";
import { urlOf, type Service } from "./http.ts";
import { resolveDials, type DialChoices, type Dials } from "./dials.ts";
import { serveDynamo, type DynamoUse } from "./dynamodb/api.ts";
import { startDynamo, type DynamoEngine } from "./dynamodb/engine.ts";
import { makeTables, type MadeTable } from "./dynamodb/tables.ts";
import { serveGateway, type Gateway } from "./gateway/gateway.ts";
import { breakService } from "./faults/break-service.ts";
import type { Faults, ServiceName } from "./faults/faults.ts";
import { createGate, type Credentials, type Denial } from "./iam/gate.ts";
import { isAllowed, planPolicies, type Statement } from "./iam/policies.ts";
import { serveLambda } from "./lambda/api.ts";
import { environmentOf, type Endpoints } from "./lambda/environment.ts";
import { createFleet, type FunctionStatistics } from "./lambda/fleet.ts";
import { createRegistry, type Registry } from "./lambda/registry.ts";
import { serveS3 } from "./s3/api.ts";
import { startSchedule } from "./schedule.ts";
import { serveSqs } from "./sqs/api.ts";
import { mapQueue } from "./sqs/mapping.ts";
import { makeQueues, type Queues } from "./sqs/queues.ts";
import { mapStream, type StreamMapping } from "./streams/mapping.ts";
import { createTokens } from "./tokens.ts";

export interface AwsLocalOptions {
  /** Folder that `cdk synth` wrote. */
  readonly assembly: string;
  /** Of an assembly with several. */
  readonly stack?: string;
  /** Default "fast". */
  readonly dynamodb?: DynamoEngine;
  readonly dials?: DialChoices;
  /** What goes wrong with services, streams, queues and functions. Default: nothing. */
  readonly faults?: Faults;
  /** Lines of the functions' output, and of what happens around them. Default: nobody hears them. */
  readonly log?: (functionName: string, line: string) => void;
}
export interface AwsLocal {
  /** Where clients connect: `ws://…/stage`. */
  readonly url: string;
  token(terms: TokenTerms): Promise<string>;
  readonly endpoints: Endpoints;
  /** May do everything with every service. */
  readonly credentials: Credentials;
  readonly region: string;
  /** Names of the buckets, by logical id. */
  readonly buckets: Readonly<Record<string, string>>;
  /** Value of an environment variable that a function of the stack has. */
  variable(name: string): string | undefined;
  readonly tables: readonly MadeTable[];
  readonly queues: Queues;
  readonly gateway: Gateway;
  functions(): Readonly<Record<string, FunctionStatistics>>;
  dynamodb(): DynamoUse;
  streams(): Readonly<Record<string, ReturnType<StreamMapping["statistics"]>>>;
  /** What functions were refused. */
  readonly denials: readonly Denial[];
  stop(): Promise<void>;
}

interface Stoppable {
  stop(): unknown;
}

export async function startAwsLocal(options: AwsLocalOptions): Promise<AwsLocal> {
  const dials = resolveDials(options.dials);
  const { faults = {} } = options;
  const log = options.log ?? (() => undefined);
  const facts: RunningFacts = { streamArns: new Map() };
  const stack = openStack(readAssembly(options.assembly, options.stack), facts);
  const { environment } = stack;
  const scratchFolder = await mkdtemp(join(tmpdir(), "aws-local-"));
  const started: Stoppable[] = [{ stop: () => rm(scratchFolder, { recursive: true, force: true }) }];
  const stop = async (): Promise<void> => {
    for (const part of started.splice(0).toReversed()) await part.stop();
  };
  const keep = <T extends { close(): Promise<void> }>(service: T): T => {
    started.push({ stop: () => service.close() });
    return service;
  };
  try {
    const gate = createGate(dials.iam, ({ functionName, action, resource }) =>
      log(functionName, `IAM: not allowed ${action} on ${resource}`),
    );
    let registry: Registry | undefined;
    let queues: Queues | undefined;
    let plan: GatewayPlan | undefined;
    const buckets = Object.fromEntries(stack.all("AWS::S3::Bucket").map(({ id }) => [id, stack.resolver.text({ Ref: id }, id)]));

    const engine = await startDynamo(options.dynamodb ?? "fast");
    started.push(engine);
    const dynamodb = keep(await serveDynamo(engine.url, environment, gate));
    const s3 = keep(await serveS3(join(scratchFolder, "s3"), Object.values(buckets), { environment, gate }));
    const sqs = keep(await serveSqs(() => queues!, gate));
    const lambda = keep(await serveLambda(() => registry!, gate));
    const gateway = keep(
      await serveGateway({
        plan: () => plan!,
        environment,
        gate,
        dials: dials.gateway,
        invoke: (arn, event) => registry!.get(arn).fleet.invoke(event, arn),
        log: (line) => log("gateway", line),
      }),
    );
    if (faults.call) {
      const { call: decide } = faults;
      const services: Readonly<Record<ServiceName, Service>> = { dynamodb, s3, sqs, lambda, connections: gateway };
      for (const [service, { server }] of Object.entries(services) as readonly (readonly [ServiceName, Service])[])
        breakService(server, { service, decide, callerOf: (request) => gate.callerOf(request.headers, urlOf(request)) });
    }
    const endpoints: Endpoints = { dynamodb: dynamodb.url, s3: s3.url, sqs: sqs.url, lambda: lambda.url, gateway: gateway.url };
    s3.trust(gate.operator);

    facts.sqsUrl = sqs.url;
    const tables = await makeTables(engine.url, stack);
    for (const { id, streamArn } of tables) if (streamArn !== undefined) facts.streamArns.set(id, streamArn);
    queues = makeQueues(stack, faults.message);
    for (const queue of queues.all) started.push(queue);
    plan = planGateway(stack);

    const tokens = createTokens();
    const deliver = (queueArn: string, record: string): void => void queues.byArn(queueArn).send(record);
    const policies = planPolicies(stack);
    const plans = planFunctions(stack);
    const functions = plans.map((each) => {
      const credentials = gate.admit(each.name, roleArn(stack, each), policies.get(each.role ?? "") ?? []);
      s3.trust(credentials);
      return {
        plan: each,
        fleet: createFleet({
          concurrency: Math.min(each.reservedConcurrency ?? dials.lambda.instances, dials.lambda.mostInstances),
          idleMs: dials.lambda.idleMs,
          ...(faults.invocation && { decide: faults.invocation }),
          instance: {
            ...each,
            initTimeoutMs: dials.lambda.initTimeoutMs,
            environment: tokens.trustedBy(environmentOf(each, environment, { credentials, endpoints, apiId: plan.apiId })),
            scratchFolder: join(scratchFolder, "functions"),
            onLine: (line) => log(each.name, line),
          },
        }),
      };
    });
    const aliases = stack.all("AWS::Lambda::Alias", "AWS::Lambda::Version").map(({ id }) => stack.resolver.text({ Ref: id }, id));
    registry = createRegistry({
      functions,
      asyncPlans: planAsync(stack),
      aliases: new Set(aliases),
      retryMs: dials.lambda.asyncRetryMs,
      deliver,
    });
    started.push(registry);

    const streams = wake(stack, { registry, queues, tables, dials, policies, engineUrl: engine.url, faults, deliver, started, log });
    return {
      url: `${gateway.url.replace("http", "ws")}/${plan.stage}`,
      token: (terms) => tokens.token(terms),
      endpoints,
      credentials: gate.operator,
      region: environment.region,
      buckets,
      variable: (name) => plans.map((each) => each.environment()[name]).find((value) => value !== undefined),
      tables,
      queues,
      gateway,
      functions: () => Object.fromEntries(Array.from(registry.all, ([name, fleet]) => [name, fleet.statistics()])),
      dynamodb: () => dynamodb.use(),
      streams: () => Object.fromEntries(Array.from(streams, ([id, mapping]) => [id, mapping.statistics()])),
      denials: gate.denials,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

interface WakeParts {
  readonly registry: Registry;
  readonly queues: Queues;
  readonly tables: readonly MadeTable[];
  readonly dials: Dials;
  readonly policies: ReadonlyMap<string, readonly Statement[]>;
  readonly engineUrl: string;
  readonly faults: Faults;
  readonly started: Stoppable[];
  deliver(queueArn: string, record: string): void;
  log(functionName: string, line: string): void;
}

/** Starts what invokes the functions: mappings and schedules. Answers with the mappings of streams, by logical id. */
function wake(stack: Stack, parts: WakeParts): ReadonlyMap<string, StreamMapping> {
  const { registry, queues, tables, dials, policies, engineUrl, faults, started, deliver, log } = parts;
  const { region, account } = stack.environment;
  const streams = new Map<string, StreamMapping>();
  for (const plan of planMappings(stack)) {
    const target = registry.get(plan.functionArn);
    checkMayRead(plan, target.plan, dials.iam ? (policies.get(target.plan.role ?? "") ?? []) : undefined);
    if (plan.kind === "sqs") started.push(mapQueue(plan, queues.byArn(plan.sourceArn), target, region));
    else {
      const table = tables.find(({ streamArn }) => streamArn === plan.sourceArn);
      if (!table?.engineStreamArn) throw new Error(`${plan.id} reads ${plan.sourceArn}, which is no stream of the stack.`);
      const { engineStreamArn } = table;
      const mapping = mapStream({
        plan,
        target,
        engineUrl,
        engineStreamArn,
        region,
        ...dials.streams,
        decide: faults.records,
        deliver,
        log: (line) => log(target.plan.name, line),
      });
      streams.set(plan.id, mapping);
      started.push(mapping);
    }
  }
  const invocable = permissions(stack, "events.amazonaws.com");
  for (const plan of planSchedules(stack)) {
    for (const { arn } of plan.targets) {
      if (!invocable.has(arn)) throw new Error(`${plan.id}: EventBridge may not invoke ${arn}; an AWS::Lambda::Permission is missing.`);
    }
    const { periodMs } = dials.schedule;
    started.push(
      startSchedule({ plan, account, region, periodMs, invokeLater: (arn, event) => void registry.get(arn).invokeLater(event) }),
    );
  }
  return streams;
}

const READ_ACTIONS = {
  sqs: ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"],
  dynamodb: ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"],
} as const;

/** Lambda refuses a mapping whose function may not read its source, and so does this. */
function checkMayRead({ id, kind, sourceArn }: MappingPlan, { name }: FunctionPlan, statements: readonly Statement[] | undefined): void {
  if (!statements) return;
  const missing = READ_ACTIONS[kind].find((action) => !isAllowed(statements, { action, resource: sourceArn }));
  if (missing !== undefined) throw new Error(`${id}: the role of ${name} lacks ${missing} on ${sourceArn}.`);
}

const roleArn = (stack: Stack, { id, role }: FunctionPlan): string =>
  role === undefined
    ? `no role of ${id}`
    : stack.resolver
        .text({ "Fn::GetAtt": [role, "Arn"] }, id)
        .replace(":iam:", ":sts:")
        .replace(":role/", ":assumed-role/");
