/** The way to the server, one step at a time: name, port, TLS, upgrade, welcome; then what the welcome tells. */
import { randomBytes } from "node:crypto";
import { lookup } from "node:dns/promises";
import { once } from "node:events";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { connect as connectTcp, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { BEARER_SUBPROTOCOL_PREFIX, SUBPROTOCOL } from "@streamer/protocol";
import { EXIT } from "../exit.ts";
import { formatSpan } from "../time-span.ts";
import manifest from "../../package.json" with { type: "json" };
import { failed, ok, warning, type Check, type Context, type Finding } from "./check.ts";
import { greet } from "./greet.ts";

/** For each step. */
const PATIENCE_MS = 5_000;
const EXPIRES_SOON_DAYS = 14;
const DAY_MS = 86_400_000;
/** As much as servers forgive in a token's times (docs/protocol.md §2.2). */
const SKEW_MS = 5_000;

const hostOf = ({ hostname }: URL): string => hostname.replace(/^\[|\]$/g, "");
const portOf = ({ port, protocol }: URL): number => Number(port) || (protocol === "wss:" ? 443 : 80);
const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? (error as Error).name;
const since = (startMs: number): string => `${Math.round(performance.now() - startMs)} ms`;

async function lookUp({ facts }: Context): Promise<Finding> {
  const host = hostOf(facts.url!);
  if (isIP(host)) return ok(`${host} needs no lookup`);
  try {
    const addresses = await lookup(host, { all: true });
    return ok(`${host} is ${addresses.map(({ address }) => address).join(", ")}`);
  } catch (error) {
    return failed(
      EXIT.cannotConnect,
      `${host} is not known (${codeOf(error)}).`,
      "Is the name right, and is this machine online or in the network that knows it?",
    );
  }
}

async function reach({ facts }: Context): Promise<Finding> {
  const url = facts.url!;
  const started = performance.now();
  const socket = connectTcp({ host: hostOf(url), port: portOf(url) });
  try {
    await once(socket, "connect", { signal: AbortSignal.timeout(PATIENCE_MS) });
    return ok(`port ${portOf(url)} answers in ${since(started)}`, { reachable: true });
  } catch (error) {
    return failed(EXIT.cannotConnect, `Port ${portOf(url)} does not answer (${codeOf(error)}).`, portHint(codeOf(error)));
  } finally {
    socket.destroy();
  }
}

const portHint = (code: string): string =>
  code === "ECONNREFUSED"
    ? 'Nothing listens there. Start a server with "streamer serve", or give its port in --url.'
    : "Something on the way, such as a firewall, lets nothing through.";

async function shakeHands({ facts }: Context): Promise<Finding> {
  const url = facts.url!;
  if (url.protocol === "ws:") return ok("not used: ws://", { secured: true });
  const host = hostOf(url);
  const socket = connectTls({ host, port: portOf(url), ...(isIP(host) ? {} : { servername: host }) });
  try {
    await once(socket, "secureConnect", { signal: AbortSignal.timeout(PATIENCE_MS) });
    const days = Math.floor((Date.parse(socket.getPeerCertificate().valid_to) - Date.now()) / DAY_MS);
    const message = `${socket.getProtocol()}, certificate valid for ${days} days more`;
    return days < EXPIRES_SOON_DAYS
      ? warning(message, "Renew it, or nobody will connect soon.", { secured: true })
      : ok(message, { secured: true });
  } catch (error) {
    return failed(EXIT.cannotConnect, `No TLS with ${url.host} (${codeOf(error)}).`, tlsHint(codeOf(error)));
  } finally {
    socket.destroy();
  }
}

export function tlsHint(code: string): string {
  if (code === "CERT_HAS_EXPIRED") return "The server's certificate has expired: renew it. If it has not, this machine's clock is wrong.";
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") return "The certificate is for another name: use the one it is for, or get one for this.";
  if (/SELF_SIGNED|UNABLE_TO|ISSUER/.test(code))
    return "The certificate is not signed by an authority Node trusts: name that authority's PEM file in NODE_EXTRA_CA_CERTS.";
  return "What answers there does not speak TLS, or not to us: is it a ws:// address?";
}

async function upgrade({ facts }: Context): Promise<Finding> {
  const url = new URL(facts.url!);
  url.protocol = url.protocol.replace("ws", "http");
  const ask = url.protocol === "https:" ? httpsRequest : httpRequest;
  const request = ask(url, {
    signal: AbortSignal.timeout(PATIENCE_MS),
    headers: {
      connection: "Upgrade",
      upgrade: "websocket",
      "sec-websocket-version": "13",
      "sec-websocket-key": randomBytes(16).toString("base64"),
      "sec-websocket-protocol": `${SUBPROTOCOL}, ${BEARER_SUBPROTOCOL_PREFIX}${facts.token}`,
    },
  });
  const upgraded = once(request, "upgrade") as Promise<[IncomingMessage, Socket]>;
  const answered = once(request, "response") as Promise<[IncomingMessage]>;
  request.end();
  try {
    const [response, socket] = (await Promise.race([upgraded, answered])) as [IncomingMessage, Socket?];
    socket?.destroy();
    response.destroy();
    if (socket) return ok("accepted", { upgraded: true });
    return failed(EXIT.cannotConnect, `The answer was HTTP ${response.statusCode}, not a WebSocket.`, upgradeHint(response.statusCode!));
  } catch (error) {
    return failed(EXIT.cannotConnect, `There was no HTTP answer (${codeOf(error)}).`, "Is that a Streamer server?");
  } finally {
    // The one that did not happen rejects once the request is gone.
    for (const outcome of [upgraded, answered]) outcome.catch(() => undefined);
    request.destroy();
  }
}

function upgradeHint(status: number): string {
  if (status >= 500) return "The server, or a proxy before it, is not ready: look at its log.";
  if (status === 401 || status === 403) return "Something before the server refuses: a proxy with a login, or a list of allowed origins.";
  return "Is that a Streamer server, and is the path right? A proxy has to pass WebSocket upgrades on.";
}

async function beGreeted({ facts }: Context): Promise<Finding> {
  const started = performance.now();
  try {
    const answer = await greet(facts.url!.href, facts.token!, AbortSignal.timeout(PATIENCE_MS));
    const tookMs = performance.now() - started;
    if (answer.type === "welcome")
      return ok(`the token is accepted; connection ${answer.connection_id}`, { welcome: answer, greeted: { atMs: Date.now(), tookMs } });
    const { code, message } = answer.error;
    if (code === "UNAUTHORIZED")
      return failed(EXIT.unauthorized, message, "The server trusts another key than this token's, or the token has had its time.");
    return failed(EXIT.failed, `${code}: ${message}`);
  } catch (error) {
    return failed(EXIT.cannotConnect, `The server did not greet: ${(error as Error).message}`, "Is that a Streamer server?");
  }
}

function compareClocks({ facts }: Context): Finding {
  const { atMs, tookMs } = facts.greeted!;
  // It was sent at some time while we waited.
  return clockFinding(atMs - tookMs / 2 - facts.welcome!.timestamp);
}

export function clockFinding(aheadMs: number): Finding {
  if (Math.abs(aheadMs) <= SKEW_MS) return ok("as the server's");
  return warning(
    `this machine's is ${formatSpan(Math.abs(aheadMs))} ${aheadMs > 0 ? "ahead of" : "behind"} the server's`,
    "Tokens may be refused as expired, and times look wrong: set the clocks by a time server.",
  );
}

function readWelcome({ facts }: Context): Finding {
  const { server_version: version, protocol, limits } = facts.welcome!;
  const message = `version ${version}, ${protocol}; frames of ${limits.message_bytes} bytes, ${limits.messages_per_second} a second`;
  if (protocol !== SUBPROTOCOL) return warning(message, `This command speaks ${SUBPROTOCOL}: use a newer one.`);
  return version === manifest.version
    ? ok(message)
    : warning(message, `This command is version ${manifest.version}: what is new in either is missing in the other.`);
}

export const NETWORK_CHECKS: readonly Check[] = [
  { name: "name", needs: ["url"], look: lookUp },
  { name: "port", needs: ["url"], look: reach },
  { name: "tls", needs: ["url", "reachable"], look: shakeHands },
  { name: "websocket", needs: ["url", "secured", "token"], look: upgrade },
  { name: "welcome", needs: ["upgraded"], look: beGreeted },
  { name: "clock", needs: ["welcome"], look: compareClocks },
  { name: "server", needs: ["welcome"], look: readWelcome },
];
