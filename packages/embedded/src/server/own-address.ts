/**
 * Where clients reach this server: what links to files, the description and what is printed begin with.
 *
 * Without a public URL each client is told the address it came by, which its `Host` header says. That header is believed
 * as far as it names this machine: one of its addresses, its host name or `localhost`, with whatever port leads here. Any
 * other name would be a stranger's word: behind a proxy it may be somebody else's, and a page whose name was bound to this
 * address anew would be given links to it. Such a client is told the address that its socket reached, and the log says so.
 * An address that only says "all of them" (0.0.0.0, ::) leads nowhere, and is handed out to nobody.
 */
import type { IncomingMessage } from "node:http";
import { isIP, type AddressInfo, type Socket } from "node:net";
import { hostname, networkInterfaces } from "node:os";
import type { Clock, Log } from "@streamer/core";
import { wireError } from "@streamer/protocol";

/** What a request says of how it came. */
export interface Said {
  /** What it says it came by. */
  readonly host: string | undefined;
  readonly isForwarded: boolean;
}

/** How a request came here. */
export interface Arrival extends Said {
  readonly scheme: "http" | "https";
  /** What its socket reached; a Unix socket has none. */
  readonly reached: { readonly address: string; readonly port: number } | undefined;
}

export const saidBy = ({ headers }: Pick<IncomingMessage, "headers">): Said => ({
  host: headers.host,
  isForwarded: headers["x-forwarded-for"] !== undefined || headers.forwarded !== undefined,
});

/** Of an open socket: each is asked when it matters, not when it comes, since few are ever told a link. */
export function arrivalOf(said: Said, socket: Socket): Arrival {
  const { localAddress: address, localPort: port = 0 } = socket;
  return {
    ...said,
    scheme: "encrypted" in socket ? "https" : "http",
    reached: address === undefined ? undefined : { address: plain(address), port },
  };
}

/** Names the base URL for whoever came so. */
export type AddressFor = (arrival: Arrival) => string;

/** A foreign name is told of this often: whoever sends such names may send many. */
const TOLD_EVERY_MS = 60_000;

export interface OwnAddressParts {
  readonly publicUrl: string | undefined;
  /** Where the HTTP server listens; of a socket that has no address. */
  readonly listening: () => string;
  readonly clock: Clock;
  readonly log: Log;
}

export function createOwnAddress({ publicUrl, listening, clock, log }: OwnAddressParts): AddressFor {
  if (publicUrl !== undefined) return () => publicUrl;
  let toldAt = Number.NEGATIVE_INFINITY;
  return ({ host, isForwarded, scheme, reached }) => {
    const came = URL.parse(`${scheme}://${host ?? ""}`);
    const isOwn = came !== null && came.host !== "" && `${came.origin}/` === came.href && namesThisMachine(came.hostname, reached?.address);
    const told = isOwn ? came.origin : reached ? `${scheme}://${authority(reached)}` : listening();
    if ((!isOwn || isForwarded) && clock.monotonic() - toldAt >= TOLD_EVERY_MS) {
      toldAt = clock.monotonic();
      const how = isForwarded ? "through a proxy" : "by a name that is not known to be this server's";
      log.warn({ host, told }, `a client came ${how}: links to files may not lead it here. Set the public URL`);
    }
    return told;
  };
}

function namesThisMachine(name: string, reached: string | undefined): boolean {
  const address = name.replace(/^\[|\]$/g, "");
  if (isIP(address) === 0) return isLocalName(name) || name === hostname().toLowerCase();
  if (isUnspecified(address)) return false;
  return isLoopback(address) || address === reached || ownAddresses().includes(address);
}

/** Every address of this machine's that others reach it by, without those of one link alone. */
export function ownAddresses(): readonly string[] {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return all.filter(({ internal, address }) => !internal && !/^fe80:/i.test(address)).map(({ address }) => address);
}

/** For a program on this machine, wherever the server listens: what listens on `::` listens on both. */
export function localAuthority({ address, port }: Pick<AddressInfo, "address" | "port">): string {
  return authority({ address: isUnspecified(address) ? (isIP(address) === 6 ? "localhost" : "127.0.0.1") : address, port });
}

/** Throws a TypeError at what clients cannot be sent to. Without a slash at its end. */
export function checkedPublicUrl(text: string): string {
  const url = URL.parse(text);
  const isPlain = url !== null && url.search === "" && url.hash === "" && url.username === "" && url.password === "";
  if (!isPlain || !/^https?:$/.test(url.protocol))
    throw new TypeError(`"${text}" is no public URL: give one that begins with http:// or https://, such as https://streamer.example.com.`);
  if (isUnspecified(url.hostname.replace(/^\[|\]$/g, "")))
    throw new TypeError(`"${text}" is no public URL: ${url.hostname} leads nowhere. Give the address that clients use.`);
  return url.href.replace(/\/$/, "");
}

/** True of an address or name that only this machine reaches. Other names are not looked up: what they lead to may change. */
export function isLoopback(host: string): boolean {
  const address = plain(host.replace(/^\[|\]$/g, ""));
  return isIP(address) === 0 ? isLocalName(address) : address === "::1" || address.startsWith("127.");
}

const isLocalName = (name: string): boolean => /^(?:[^.]+\.)?localhost$/i.test(name);
const isUnspecified = (address: string): boolean => address === "" || /^[0:.]+$/.test(address);

/** As it stands in a URL: an IPv4 address that came over an IPv6 socket is written as both, and a zone is this machine's alone. */
const plain = (address: string): string => address.replace(/^::ffff:(?=\d+\.)/i, "").split("%")[0]!;
const authority = ({ address, port }: Pick<AddressInfo, "address" | "port">): string =>
  `${isIP(plain(address)) === 6 ? `[${plain(address)}]` : plain(address)}:${port}`;

/** By its socket, or by what a proxy or a tunnel on this machine says of whom it speaks for. */
export function comesFromElsewhere({ headers, socket }: IncomingMessage): boolean {
  const hops = [headers["x-forwarded-for"] ?? []].flat().flatMap((hop) => hop.split(","));
  return [socket.remoteAddress ?? "127.0.0.1", ...hops].some((address) => !isLoopback(address.trim()));
}

/** Whether the key that a server makes for itself would be trusted by others than this machine's programs. */
export const needsOwnKeys = ({
  host,
  publicUrl,
}: {
  readonly host?: string | undefined;
  readonly publicUrl?: string | undefined;
}): boolean => (host !== undefined && !isLoopback(host)) || (publicUrl !== undefined && !isLoopback(URL.parse(publicUrl)?.hostname ?? ""));

export function refusePublicDevelopmentKey(host: string | undefined, publicUrl: string | undefined): void {
  if (!needsOwnKeys({ host, publicUrl })) return;
  throw new TypeError(
    `A server at ${publicUrl ?? host} is reached by others, and would trust the development key in its data folder. Give it keys of its own (auth: jwks, publicKey or secret), listen on 127.0.0.1, or say publicDevelopmentKey: true.`,
  );
}

/** Said to who comes from elsewhere all the same. */
export const DEVELOPMENT_ALONE = wireError(
  "UNAUTHORIZED",
  "This server trusts the development key of its data folder, for programs on its own machine alone. Its owner gives it keys of its own (auth).",
);
