/**
 * What a deployment is told: context values (`-c name=value`, or "context" in cdk.json), checked in one place and
 * filled with defaults. The constructs are handed their part and read no context.
 */
import { readFileSync } from "node:fs";
import * as z from "zod";
import { createClaimReader, type ClaimRules } from "@streamer/auth/claims";
import { ARCHITECTURES } from "./functions.ts";

/** Days CloudWatch can keep logs for. */
const RETENTION_DAYS = [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731] as const;

const flag = z.union([z.boolean(), z.enum(["true", "false"]).transform((text) => text === "true")]);
const count = (least: number, most: number) => z.coerce.number().int().min(least).max(most);
/** Comma-separated on the command line, a list in cdk.json. */
const list = z
  .union([z.array(z.string()), z.string().transform((text) => text.split(",").map((part) => part.trim()))])
  .transform((parts) => parts.filter(Boolean));
/** `@path` stands for what is in the file. */
const textOrFile = z.string().transform((text) => (text.startsWith("@") ? readFileSync(text.slice(1), "utf8") : text));
const json = z.union([
  z.record(z.string(), z.json()),
  textOrFile.transform((text) => JSON.parse(text) as Record<string, z.core.util.JSONType>),
]);

const claim = z.string();
const mapping = z.strictObject({
  user: claim.optional(),
  tenant: claim.optional(),
  permissions: z.union([claim, z.array(claim)]).optional(),
  audience: claim.optional(),
});

/** What the function that checks tokens would refuse at its start. */
function whyNotRules({ issuer, audience, claims }: ClaimRules): string | undefined {
  try {
    createClaimReader({ issuer, audience, claims });
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** Names of stages that nobody depends on. */
const FOR_TRYING_OUT = /^(?:dev|test|local)/;

/** Fetched by https, or from this machine, as the local AWS does. */
function isPrivate(text: string): boolean {
  const { protocol, hostname } = new URL(text);
  return protocol === "https:" || hostname === "localhost" || hostname === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}

const schema = z
  .object({
    /** Names the stack, its API stage and its log groups: dev, production, … */
    stage: z
      .string()
      .regex(/^[a-z][a-z0-9-]{0,29}$/, "lower-case letters, digits and hyphens, starting with a letter, at most 30")
      .default("dev"),
    arch: z.enum(ARCHITECTURES).default("arm64"),
    /** Module that exports `handlers`. */
    handlers: z.string().optional(),
    workerOnly: list.default([]),
    asInstalled: list.default([]),

    /** One of two: whose tokens are accepted. */
    jwksUrl: z.url().refine(isPrivate, "https: over http anybody on the way could change the keys").optional(),
    publicKey: textOrFile.optional(),
    /** What tokens must name; required but where a stage's name says that it is for trying out. */
    issuer: z.string().optional(),
    audience: z.string().optional(),
    /** auth's ClaimMapping: which claims say who somebody is and what they may do. */
    claims: json
      .transform((value): unknown => value)
      .pipe(mapping)
      .optional(),
    allowedOrigins: list.default([]),
    /** Connections that each user may have. */
    connectionsPerUser: count(1, 2_000).default(256),
    /** How long state and results stay readable after a request ends. */
    retentionDays: count(1, 365).default(7),
    /** core's PartialOptions; the time of retention is the value above. */
    options: json.default({}),
    logLevel: z.enum(["debug", "info", "warn", "error"]).default("info"),

    /** Messages a second over all connections, and how many may come at once. */
    throttleRate: count(1, 100_000).default(1_000),
    throttleBurst: count(1, 100_000).default(2_000),
    /**
     * Invocations at once, of each of the functions that whoever is outside can start: as many are kept for it, and it takes
     * no more, so that the rest of the account's is left to those that repair. 0 reserves nothing and shares the account's.
     */
    workConcurrency: count(0, 10_000).default(50),
    messageConcurrency: count(0, 10_000).default(400),
    connectConcurrency: count(0, 10_000).default(100),
    workMemoryMb: count(512, 10_240).default(2_048),
    /** Room in /tmp for what handlers read and write. */
    workStorageMb: count(512, 10_240).default(4_096),
    messageMemoryMb: count(256, 10_240).default(1_024),
    logRetentionDays: z.coerce.number().pipe(z.literal(RETENTION_DAYS)).default(30),
    /** canary: a tenth of the traffic for five minutes, rolled back by alarms. */
    rollout: z.enum(["canary", "all-at-once"]).default("canary"),
    tracing: flag.default(false),

    domainName: z.string().optional(),
    certificateArn: z.string().optional(),
    hostedZoneId: z.string().optional(),
    hostedZoneName: z.string().optional(),
    /** CloudFront in front, with a web ACL: the one given, or one of the stack, which is possible in us-east-1 alone. */
    edge: flag.default(false),
    webAclArn: z
      .string()
      .regex(
        /^arn:[a-z-]+:wafv2:us-east-1:\d{12}:global\/webacl\//,
        "a web ACL of scope CLOUDFRONT: arn:aws:wafv2:us-east-1:…:global/webacl/…",
      )
      .optional(),
    /** Connects of one address in five minutes that the stack's own web ACL lets through. */
    edgeConnects: count(10, 2_000_000_000).default(1_000),
    /** Versions of the secret that are accepted, by their ids: the first is what CloudFront sends. Without them, the newest. */
    edgeSecretVersions: list.default([]),
    alarmTopicArn: z.string().optional(),
    /** False where the account's API Gateway already has a role to write logs with. */
    apiLoggingRole: flag.default(true),
  })
  .refine(({ jwksUrl, publicKey }) => jwksUrl === undefined || publicKey === undefined, {
    path: ["publicKey"],
    message: "give jwksUrl or publicKey, not both",
  })
  .superRefine((given, { addIssue }) => {
    const message = whyNotRules(given);
    if (message !== undefined) addIssue({ code: "custom", path: ["claims"], message });
  })
  .superRefine(({ stage, ...given }, { addIssue }) => {
    if (FOR_TRYING_OUT.test(stage)) return;
    for (const name of ["issuer", "audience"] as const)
      if (given[name] === undefined)
        addIssue({
          code: "custom",
          path: [name],
          message: `stage "${stage}" needs it: without, a token that the same keys sign for another application is accepted`,
        });
  })
  .refine(({ domainName, certificateArn }) => (domainName === undefined) === (certificateArn === undefined), {
    path: ["certificateArn"],
    message: "domainName and certificateArn come together",
  })
  .refine(({ hostedZoneId, hostedZoneName }) => (hostedZoneId === undefined) === (hostedZoneName === undefined), {
    path: ["hostedZoneName"],
    message: "hostedZoneId and hostedZoneName come together",
  })
  .refine(({ edge, webAclArn, edgeSecretVersions }) => edge || (webAclArn === undefined && edgeSecretVersions.length === 0), {
    path: ["edge"],
    message: "webAclArn and edgeSecretVersions are for edge=true",
  })
  .refine(({ edge, certificateArn }) => !edge || certificateArn === undefined || /^arn:[a-z-]+:acm:us-east-1:/.test(certificateArn), {
    path: ["certificateArn"],
    message: "with edge=true it is CloudFront's: a certificate of us-east-1",
  });

export type Configuration = z.output<typeof schema>;
/** As they are given: all that has a default may be left out. */
export type Settings = z.input<typeof schema>;
export const CONFIGURATION_NAMES = Object.keys(schema.shape) as readonly (keyof Configuration)[];

/** Throws an error that lists every value that cannot be right. */
export function readConfiguration(context: (name: string) => unknown): Configuration {
  const given = Object.fromEntries(
    CONFIGURATION_NAMES.flatMap((name) => {
      const value = context(name);
      return value === undefined || value === "" ? [] : [[name, value]];
    }),
  );
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => `  ${path.join(".") || "(together)"}: ${message}`);
  throw new Error(`The deployment is configured with values that cannot be right:\n${problems.join("\n")}`);
}
