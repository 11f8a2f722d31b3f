/**
 * The rules of cdk-nag that are answered with a reason instead of a change. Rules about policies name what they found,
 * so each wildcard and each managed policy is acknowledged by itself: a new one is a finding again.
 */
import { Stack, Validations } from "aws-cdk-lib";
import type { PolicyStatement } from "aws-cdk-lib/aws-iam";
import type { IConstruct } from "constructs";
import { WILDCARD_REASONS } from "./permissions.ts";

/** Every wildcard in the statements of a role, with its reason from permissions.ts; one without a reason is refused. */
export function acknowledgeWildcards(role: IConstruct, statements: readonly PolicyStatement[]): void {
  const resources = new Set(
    statements.flatMap((statement) => statement.resources).map((resource) => spelledOut(Stack.of(role).resolve(resource))),
  );
  for (const resource of resources) {
    if (!resource.includes("*")) continue;
    const [, reason] = Object.entries(WILDCARD_REASONS).find(([end]) => resource.endsWith(end)) ?? [];
    if (reason === undefined)
      throw new Error(`${role.node.path} is allowed ${resource}, and permissions.ts gives no reason for the wildcard.`);
    Validations.of(role).acknowledge({ id: `AwsSolutions-IAM5[Resource::${resource}]`, reason });
  }
}

/** A policy of AWS's own, by its name under `service-role/`. */
export function acknowledgeManagedPolicy(role: IConstruct, policyName: string, reason: string): void {
  Validations.of(role).acknowledge({
    id: `AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/${policyName}]`,
    reason,
  });
}

/** A resource as cdk-nag writes it: references in angle brackets. */
function spelledOut(resolved: unknown): string {
  if (typeof resolved === "string") return resolved;
  const { Ref: reference, "Fn::GetAtt": attribute, "Fn::Join": join } = resolved as Intrinsic;
  if (reference !== undefined) return `<${reference}>`;
  if (attribute !== undefined) return `<${attribute.join(".")}>`;
  if (join !== undefined) return join[1].map(spelledOut).join(join[0]);
  throw new Error(`A resource of a policy is spelled in a way that is not known here: ${JSON.stringify(resolved)}.`);
}

interface Intrinsic {
  readonly Ref?: string;
  readonly "Fn::GetAtt"?: readonly string[];
  readonly "Fn::Join"?: readonly [separator: string, parts: readonly unknown[]];
}
