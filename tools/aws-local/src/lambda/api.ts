/** Lambda's Invoke, as the SDK calls it: at once, or accepted for later. */
import { serve, ServiceError, type Call, type Reply, type Service } from "../http.ts";
import { invokeAccess } from "../iam/actions.ts";
import type { Gate } from "../iam/gate.ts";
import type { Registry } from "./registry.ts";

/** "Lambda quotas", Lambda Developer Guide. */
const LIMIT_BYTES = { RequestResponse: 6_291_456, Event: 1_048_576 } as const;
const PATH = /^\/2015-03-31\/functions\/([^/]+)\/invocations$/;

export function serveLambda(registry: () => Registry, gate: Gate): Promise<Service> {
  return serve(async ({ method, url, headers, body }: Call): Promise<Reply> => {
    const named = PATH.exec(url.pathname)?.[1];
    if (method !== "POST" || named === undefined)
      throw new ServiceError("UnknownOperationException", 404, `The local Lambda only invokes: ${url.pathname}`);
    const name = decodeURIComponent(named);
    const found = registry().find(name, url.searchParams.get("Qualifier") ?? undefined);
    gate.check(headers, url, () => invokeAccess(found?.arn ?? name));
    if (!found) throw new ServiceError("ResourceNotFoundException", 404, `Function not found: ${name}`, { Type: "User" });
    const type = headers["x-amz-invocation-type"] ?? "RequestResponse";
    if (type === "DryRun") return { status: 204 };
    if (type !== "Event" && type !== "RequestResponse")
      throw new ServiceError("InvalidParameterValueException", 400, `No such invocation type: ${String(type)}`);
    if (body.length > LIMIT_BYTES[type]) {
      throw new ServiceError(
        "RequestEntityTooLargeException",
        413,
        `Request must be smaller than ${LIMIT_BYTES[type]} bytes for the InvokeFunction operation`,
      );
    }
    const event = eventIn(body);
    if (type === "Event") return { status: 202, headers: { "x-amzn-requestid": found.invokeLater(event) } };

    const running = found.fleet.invoke(event, found.arn);
    if (running === undefined) {
      const reserved = found.plan.reservedConcurrency !== undefined;
      const reason = reserved ? "ReservedFunctionConcurrentInvocationLimitExceeded" : "ConcurrentInvocationLimitExceeded";
      throw new ServiceError("TooManyRequestsException", 429, "Rate Exceeded.", { Reason: reason, Type: "User" });
    }
    const served = await running;
    return {
      status: 200,
      headers: {
        "content-type": "application/json",
        "x-amzn-requestid": served.requestId,
        "x-amz-executed-version": "$LATEST",
        ...(served.isError && { "x-amz-function-error": "Unhandled" }),
      },
      body: served.payload,
    };
  });
}

function eventIn(body: Buffer): string {
  const text = body.length === 0 ? "{}" : body.toString("utf8");
  try {
    JSON.parse(text);
    return text;
  } catch {
    throw new ServiceError("InvalidRequestContentException", 400, "Could not parse request body into json");
  }
}
