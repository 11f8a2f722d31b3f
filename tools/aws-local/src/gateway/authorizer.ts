/** A REQUEST authorizer on $connect: its function is asked, and its policy decides. */
import type { AuthorizerPlan } from "../assembly/gateway.ts";
import type { JsonObject } from "../assembly/template.ts";
import { isAllowed, parse } from "../iam/policies.ts";
import type { Served } from "../lambda/fleet.ts";

export type Verdict = { readonly status: 401 | 403 | 500 } | { readonly context: Readonly<Record<string, unknown>> };

export async function authorize(
  plan: AuthorizerPlan,
  handshake: Readonly<Record<string, unknown>>,
  {
    context,
    methodArn,
    invoke,
  }: { readonly context: object; readonly methodArn: string; invoke(arn: string, event: string): Promise<Served | undefined> },
): Promise<Verdict> {
  if (!plan.identitySources.every((source) => isThere(source, handshake))) return { status: 401 };
  const served = await invoke(plan.functionArn, JSON.stringify({ type: "REQUEST", methodArn, ...handshake, requestContext: context }));
  if (!served) return { status: 500 };
  if (served.isError) return { status: served.payload.includes('"Unauthorized"') ? 401 : 500 };
  const answer = JSON.parse(served.payload) as {
    readonly principalId?: string;
    readonly policyDocument?: JsonObject;
    readonly context?: object;
  } | null;
  if (!answer?.policyDocument) return { status: 500 };
  const statements = parse("the authorizer's policy", answer.policyDocument);
  if (!isAllowed(statements, { action: "execute-api:Invoke", resource: methodArn })) return { status: 403 };
  return { context: { principalId: answer.principalId, ...answer.context } };
}

function isThere(source: string, handshake: Readonly<Record<string, unknown>>): boolean {
  const [, , kind, ...name] = source.split(".");
  const values = handshake[kind === "header" ? "headers" : "queryStringParameters"] as Readonly<Record<string, string>> | undefined;
  const wanted = name.join(".").toLowerCase();
  return Object.entries(values ?? {}).some(([key, value]) => key.toLowerCase() === wanted && value !== "");
}
