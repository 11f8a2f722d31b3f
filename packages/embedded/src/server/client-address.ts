/** Where a client comes from, as far as this server can know: the peer, or what a proxy it trusts says of its own peer. */
import type { IncomingMessage } from "node:http";
import { BlockList, isIP } from "node:net";

export interface AddressReader {
  /** The client's address, for counting: of IPv6 the network that one subscriber has, its first 64 bits. */
  of(request: IncomingMessage): string;
  /** True of a peer that speaks for many. */
  isProxy(peer: string | undefined): boolean;
}

/** `trustedProxies`: addresses, or networks as `10.0.0.0/8`. Throws a TypeError at one that is neither. */
export function createAddressReader(trustedProxies: readonly string[]): AddressReader {
  const proxies = new BlockList();
  for (const entry of trustedProxies) addTo(proxies, entry);
  const isProxy = (peer: string | undefined): boolean => {
    if (trustedProxies.length === 0) return false;
    const address = plain(peer ?? "");
    const version = isIP(address);
    return version !== 0 && proxies.check(address, version === 6 ? "ipv6" : "ipv4");
  };

  /** From the last hop back: what stands before the first address that is no proxy was written by whoever wished to. */
  function forwarded(request: IncomingMessage): string | undefined {
    const hops = [request.headers["x-forwarded-for"] ?? []]
      .flat()
      .join(",")
      .split(",")
      .map((hop) => plain(hop.trim()));
    return hops.findLast((hop) => !isProxy(hop));
  }

  return {
    isProxy,
    of: (request) => {
      const peer = request.socket.remoteAddress ?? "";
      const told = isProxy(peer) ? forwarded(request) : undefined;
      return countedAs(told !== undefined && isIP(told) ? told : peer);
    },
  };
}

function addTo(list: BlockList, entry: string): void {
  const [address = "", bits] = entry.split("/");
  const version = isIP(address);
  const prefix = bits === undefined ? (version === 6 ? 128 : 32) : Number(bits);
  const isNetwork = version !== 0 && Number.isInteger(prefix) && prefix >= 0 && prefix <= (version === 6 ? 128 : 32) && bits !== "";
  if (!isNetwork) throw new TypeError(`"${entry}" is no trusted proxy: give an address or a network, such as 10.0.0.0/8.`);
  list.addSubnet(address, prefix, version === 6 ? "ipv6" : "ipv4");
}

/** An IPv4 address that came over an IPv6 socket is written as both. */
const plain = (address: string): string => address.replace(/^::ffff:(?=\d+\.)/i, "");

const WORDS_OF_A_NETWORK = 4;

/** The name under which connections from an address are counted. */
export function countedAs(address: string): string {
  const short = plain(address);
  if (isIP(short) !== 6) return short;
  const [head = "", tail] = (short.split("%")[0] ?? "").split("::");
  const words = (text: string | undefined): string[] => (text ? text.split(":") : []);
  const missing = 8 - words(head).length - words(tail).length;
  const all = [...words(head), ...Array.from({ length: tail === undefined ? 0 : missing }, () => "0"), ...words(tail)];
  return `${all
    .slice(0, WORDS_OF_A_NETWORK)
    .map((word) => Number.parseInt(word, 16).toString(16))
    .join(":")}::/64`;
}
