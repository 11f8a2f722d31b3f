/**
 * API Gateway's WebSocket API, as far as a stack uses it: the routes of the template, their functions invoked for each
 * connection, message and end, its limits and how it answers when they are passed ("Quotas for configuring and running a
 * WebSocket API", API Gateway Developer Guide). Messages of one connection are handled concurrently: it promises no order.
 */
import { createServer, type IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocketServer, type RawData, type WebSocket } from "ws";
import type { GatewayPlan, RoutePlan } from "../assembly/gateway.ts";
import type { Environment } from "../assembly/intrinsics.ts";
import type { Dials } from "../dials.ts";
import { bodyOf, errorReply, listen, ServiceError, urlOf, type Service } from "../http.ts";
import type { Gate } from "../iam/gate.ts";
import type { Served } from "../lambda/fleet.ts";
import { createConnections, type Connection } from "./connections.ts";
import { handshakeOf, newConnectionId, requestContext } from "./events.ts";
import { frameWatcher } from "./frames.ts";
import { createManagement, type PushStatistics } from "./management.ts";

export interface GatewayParts {
  /** Known once the services run: functions are told this gateway's address. */
  readonly plan: () => GatewayPlan;
  readonly environment: Environment;
  readonly gate: Gate;
  readonly dials: Dials["gateway"];
  /** Undefined when the function has no instance left. */
  invoke(functionArn: string, event: string): Promise<Served> | undefined;
  log(line: string): void;
}
export interface Gateway extends Service {
  readonly statistics: PushStatistics & { readonly connects: number; readonly messages: number };
}

const INTERNAL_ERROR = "Internal server error";

export async function serveGateway({ plan: planned, environment, gate, dials, invoke, log }: GatewayParts): Promise<Gateway> {
  const connections = createConnections(dials);
  const sockets = new WebSocketServer({ noServer: true, clientTracking: false, perMessageDeflate: false, maxPayload: dials.messageBytes });
  const selected = new WeakMap<IncomingMessage, string>();
  sockets.options.handleProtocols = (_offered, request) => selected.get(request) ?? false;
  const counts = { connects: 0, messages: 0 };
  let management: ReturnType<typeof createManagement> | undefined;
  const manage = (): ReturnType<typeof createManagement> => {
    const { apiId, stage } = planned();
    return (management ??= createManagement({ connections, gate, environment, apiId, stage, dials }));
  };

  /** Undefined when the integration failed: threw, was throttled, or took too long. */
  const integrate = async (route: RoutePlan, event: object): Promise<unknown> => {
    const running = invoke(route.functionArn, JSON.stringify(event));
    if (!running) return undefined;
    let timer: NodeJS.Timeout | undefined;
    const tooLong = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), Math.min(dials.integrationMs, route.integrationTimeoutMs));
    });
    const served = await Promise.race([running, tooLong]);
    clearTimeout(timer);
    if (!served || served.isError) {
      log(`${route.routeKey} failed: ${served?.payload.slice(0, 500) ?? "no answer in time"}`);
      return undefined;
    }
    return JSON.parse(served.payload) as unknown;
  };

  const handleMessage = async (connection: Connection, text: string): Promise<void> => {
    const { routes, selection } = planned();
    counts.messages += 1;
    connections.touch(connection);
    const route = routes.get(routeFor(text, selection)) ?? routes.get("$default");
    const context = requestContext(connection.facts, route?.routeKey ?? "$default", "MESSAGE", { messageId: newConnectionId() });
    const { connectionId } = connection.facts;
    const apologize = (message: string): void =>
      connection.socket?.send(JSON.stringify({ message, connectionId, requestId: context.requestId }));
    if (!route) return apologize("Forbidden");
    const answer = await integrate(route, { requestContext: context, body: text, isBase64Encoded: false });
    if (answer === undefined) apologize(INTERNAL_ERROR);
  };

  const handleEnd = async (connection: Connection, code: number, reason: string): Promise<void> => {
    connections.forget(connection);
    const route = planned().routes.get("$disconnect");
    if (!route || dials.faults.silentDisconnect) return;
    const told = connection.closedBy ?? { code, reason };
    const context = requestContext(connection.facts, "$disconnect", "DISCONNECT", {
      disconnectStatusCode: told.code,
      disconnectReason: told.reason,
    });
    const headers = { Host: connection.facts.domainName, "x-api-key": "", "X-Forwarded-For": "", "x-restapi": "" };
    const multiValueHeaders = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]]));
    await integrate(route, { headers, multiValueHeaders, requestContext: context, isBase64Encoded: false });
  };

  const welcome = (connection: Connection, socket: WebSocket): void => {
    connection.socket = socket;
    if (connection.closedBy) connections.close(connection, connection.closedBy.code, connection.closedBy.reason);
    socket.on("message", (data: RawData, isBinary: boolean) => {
      if (connection.closedBy) return;
      // "WebSocket APIs don't currently support binary frames in incoming message payloads": 1003.
      if (isBinary) return connections.close(connection, 1003, "Unsupported data");
      handleMessage(connection, (data as Buffer).toString("utf8")).catch((error: unknown) => log(`a message failed: ${String(error)}`));
    });
    socket.on("error", () => undefined);
    socket.on("close", (code, reason) => {
      handleEnd(connection, code, reason.toString("utf8")).catch((error: unknown) => log(`a disconnect failed: ${String(error)}`));
    });
  };

  /** The status that refuses, or undefined for welcome. */
  const ask = async (connection: Connection, request: IncomingMessage): Promise<number | undefined> => {
    const route = planned().routes.get("$connect");
    if (!route) return undefined;
    const handshake = handshakeOf(request, urlOf(request));
    const context = requestContext(connection.facts, "$connect", "CONNECT");
    const answer = await integrate(route, { ...handshake, requestContext: context, isBase64Encoded: false });
    const { statusCode, headers = {} } = (answer ?? {}) as {
      readonly statusCode?: number;
      readonly headers?: Readonly<Record<string, string>>;
    };
    if (typeof statusCode !== "number") return 500;
    if (statusCode < 200 || statusCode > 299) return statusCode;
    const protocol = Object.entries(headers).find(([name]) => name.toLowerCase() === "sec-websocket-protocol")?.[1];
    if (protocol !== undefined) selected.set(request, protocol);
    return undefined;
  };

  const upgrade = async (request: IncomingMessage, raw: Duplex, head: Buffer): Promise<void> => {
    raw.on("error", () => raw.destroy());
    const { apiId, stage } = planned();
    if (urlOf(request).pathname.replace(/\/$/, "") !== `/${stage}`) return refuse(raw, 403, { message: "Forbidden" });
    const userAgent = request.headers["user-agent"];
    const connection = connections.open({
      connectionId: newConnectionId(),
      connectedAt: Date.now(),
      identity: { sourceIp: request.socket.remoteAddress ?? "", ...(userAgent !== undefined && { userAgent }) },
      stage,
      apiId,
      domainName: request.headers.host ?? "",
    });
    counts.connects += 1;
    const refusal = await ask(connection, request);
    if (refusal !== undefined) {
      connections.forget(connection);
      const { connectionId } = connection.facts;
      return refuse(raw, refusal, { message: refusal === 500 ? INTERNAL_ERROR : "Forbidden", connectionId, requestId: newConnectionId() });
    }
    const watch = frameWatcher((payloadBytes) => {
      if (payloadBytes > dials.frameBytes) connections.close(connection, 1009, "Message too long");
    });
    if (head.length > 0) watch(head);
    raw.on("data", watch);
    sockets.handleUpgrade(request, raw, head, (socket) => welcome(connection, socket));
    if (!connection.socket) connections.forget(connection);
  };

  const http = createServer((request, response) => {
    const reply = async () =>
      manage().answer({ method: request.method ?? "GET", url: urlOf(request), headers: request.headers, body: await bodyOf(request) });
    void reply()
      .catch((error: unknown) =>
        errorReply(error instanceof ServiceError ? error : new ServiceError("InternalServerErrorException", 500, String(error))),
      )
      .then(({ status, headers, body = "" }) =>
        response.writeHead(status, { ...headers, "content-length": String(Buffer.byteLength(body)) }).end(body),
      );
  });
  http.on("upgrade", (request: IncomingMessage, raw: Duplex, head: Buffer) => {
    upgrade(request, raw, head).catch((error: unknown) => {
      log(`an upgrade failed: ${String(error)}`);
      refuse(raw, 500, { message: INTERNAL_ERROR });
    });
  });
  const service = await listen(http);
  return {
    ...service,
    get statistics() {
      return { ...manage().statistics, ...counts };
    },
    close: async () => {
      connections.stop();
      for (const connection of connections.all) connection.socket?.terminate();
      await service.close();
      sockets.close();
    },
  };
}

function routeFor(text: string, selection: string): string {
  try {
    let value: unknown = JSON.parse(text);
    for (const step of selection.replace(/^\$\{?request\.body\.?|\}$/g, "").split("."))
      value = (value as Readonly<Record<string, unknown>>)[step];
    return typeof value === "string" && !value.startsWith("$") ? value : "$default";
  } catch {
    return "$default";
  }
}

function refuse(raw: Duplex, status: number, answer: object): void {
  const body = JSON.stringify(answer);
  raw.end(
    `HTTP/1.1 ${status} ${status === 401 ? "Unauthorized" : status === 403 ? "Forbidden" : "Refused"}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}
