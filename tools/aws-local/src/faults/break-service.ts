/** Puts faults before a service: each request is decided on before the service sees it. */
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { setTimeout as wait } from "node:timers/promises";
import { errorReply, ServiceError, urlOf } from "../http.ts";
import type { CallFault, ServiceCall, ServiceName } from "./faults.ts";

export interface BreakParts {
  readonly service: ServiceName;
  readonly decide: (call: ServiceCall) => CallFault | undefined;
  callerOf(request: IncomingMessage): string | undefined;
}

/** How each service says that too much is asked of it, and that it failed. */
const REFUSALS: Readonly<Record<ServiceName, Readonly<Record<"throttle" | "fail", readonly [type: string, status: number]>>>> = {
  dynamodb: { throttle: ["ThrottlingException", 400], fail: ["InternalServerError", 500] },
  s3: { throttle: ["SlowDown", 503], fail: ["InternalError", 500] },
  sqs: { throttle: ["ThrottlingException", 400], fail: ["InternalFailure", 500] },
  lambda: { throttle: ["TooManyRequestsException", 429], fail: ["ServiceException", 500] },
  connections: { throttle: ["LimitExceededException", 429], fail: ["InternalServerErrorException", 500] },
};

/** Takes the place of the server's own listener, which hears what no fault keeps from it. */
export function breakService(server: Server, { service, decide, callerOf }: BreakParts): void {
  const own = server.listeners("request");
  server.removeAllListeners("request");
  const serve = (request: IncomingMessage, response: ServerResponse): void => {
    for (const listener of own) Reflect.apply(listener, server, [request, response]);
  };

  const suffer = async (fault: CallFault, request: IncomingMessage, response: ServerResponse): Promise<void> => {
    switch (fault.kind) {
      case "throttle":
      case "fail":
        return refuse(service, REFUSALS[service][fault.kind], request, response);
      case "gone":
        return refuse(service, ["GoneException", 410], request, response);
      case "hang":
        await wait(fault.ms, undefined, { ref: false });
        return void request.socket.destroy();
      case "slow":
        await wait(fault.ms, undefined, { ref: false });
        return serve(request, response);
      case "lose_answer":
        return serve(request, unheard(request, response));
    }
  };

  server.on("request", (request, response) => {
    const url = urlOf(request);
    const invocationId = request.headers["amz-sdk-invocation-id"];
    const fault = decide({
      service,
      operation: operationOf(service, request),
      caller: callerOf(request),
      invocationId: typeof invocationId === "string" ? invocationId : undefined,
      path: url.pathname,
    });
    if (fault) void suffer(fault, request, response);
    else serve(request, response);
  });
}

function operationOf(service: ServiceName, { headers, method = "GET" }: IncomingMessage): string {
  if (service === "lambda") return headers["x-amz-invocation-type"] === "Event" ? "InvokeLater" : "Invoke";
  return String(headers["x-amz-target"] ?? "").split(".")[1] ?? method;
}

function refuse(
  service: ServiceName,
  [type, statusCode]: readonly [type: string, status: number],
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const { status, headers, body } = errorReply(new ServiceError(type, statusCode, "As the fault wants it."));
  const isXml = service === "s3";
  request.resume();
  response.writeHead(status, { ...headers, ...(isXml && { "content-type": "application/xml" }), connection: "close" });
  response.end(
    isXml ? `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${type}</Code><Message>As the fault wants it.</Message></Error>` : body,
  );
}

/** What is written to it comes nowhere; its end cuts the socket off. */
function unheard(request: IncomingMessage, response: ServerResponse): ServerResponse {
  return Object.assign(response, {
    writeHead: () => response,
    write: () => true,
    end: () => {
      request.socket.destroy();
      return response;
    },
  });
}
