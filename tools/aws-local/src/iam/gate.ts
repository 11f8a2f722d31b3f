/**
 * Who calls, and whether they may. Each function has an access key of its own; the operator (tests, uploads) has one that
 * may do everything. A refusal reads as AWS words it and is kept, so that a permission missing in the stack is found here.
 */
import { randomBytes } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { accessKeyIn, ServiceError } from "../http.ts";
import { isAllowed, type Access, type Statement } from "./policies.ts";

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}
export interface Denial extends Access {
  readonly functionName: string;
}
export interface Gate {
  /** May do everything. */
  readonly operator: Credentials;
  /** Credentials of a function, whose calls are judged by these statements. */
  admit(functionName: string, roleArn: string, statements: readonly Statement[]): Credentials;
  /** Throws AccessDeniedException, or UnrecognizedClientException for a stranger. */
  check(headers: IncomingHttpHeaders, url: URL, needed: () => readonly Access[]): void;
  /** Name of the function, or "operator"; undefined for a stranger. */
  callerOf(headers: IncomingHttpHeaders, url: URL): string | undefined;
  readonly denials: readonly Denial[];
}

interface Caller {
  readonly functionName: string;
  readonly roleArn: string;
  readonly statements: readonly Statement[];
}

export function createGate(isOn: boolean, onDenial: (denial: Denial) => void): Gate {
  const callers = new Map<string, Caller | "operator">();
  const denials: Denial[] = [];
  const credentials = (name: string): Credentials => ({
    accessKeyId: `LOCAL${name.replaceAll(/[^A-Za-z0-9]/g, "").toUpperCase()}`,
    secretAccessKey: randomBytes(20).toString("hex"),
  });
  const operator = credentials("operator");
  callers.set(operator.accessKeyId, "operator");

  return {
    operator,
    admit: (functionName, roleArn, statements) => {
      const made = credentials(`fn${functionName}`);
      callers.set(made.accessKeyId, { functionName, roleArn, statements });
      return made;
    },
    check: (headers, url, needed) => {
      const caller = callers.get(accessKeyIn(headers, url) ?? "");
      if (caller === undefined) {
        throw new ServiceError("UnrecognizedClientException", 403, "The security token included in the request is invalid.");
      }
      if (caller === "operator" || !isOn) return;
      const refused = needed().find((access) => !isAllowed(caller.statements, access));
      if (refused === undefined) return;
      const denial = { ...refused, functionName: caller.functionName };
      denials.push(denial);
      onDenial(denial);
      throw new ServiceError(
        "AccessDeniedException",
        403,
        `User: ${caller.roleArn}/${caller.functionName} is not authorized to perform: ${refused.action} on resource: ${refused.resource} because no identity-based policy allows the ${refused.action} action`,
      );
    },
    callerOf: (headers, url) => {
      const caller = callers.get(accessKeyIn(headers, url) ?? "");
      return caller === "operator" ? caller : caller?.functionName;
    },
    denials,
  };
}
