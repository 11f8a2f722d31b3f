/** A WebSocket over the simulated network, as far as the TypeScript client uses one. */
import type { Witness } from "../invariants/witness.ts";
import type { ClientLink, Identity, Network } from "../network.ts";

export interface SocketParts {
  readonly network: Network;
  readonly identity: Identity;
  readonly tell: (who: string, what: string) => void;
  readonly onDial: (connectionId: string) => Witness;
}

type Listener = (event: { readonly data?: string; readonly code?: number; readonly reason?: string }) => void;

export function createSocketClass({ network, identity, tell, onDial }: SocketParts): new (url: string, protocols: string[]) => WebSocket {
  class SimulatedSocket {
    readonly OPEN = 1;
    readyState = 0;
    readonly #listeners = new Map<string, Listener[]>();
    readonly #link: ClientLink;
    readonly #witness: Witness;

    constructor() {
      this.#link = network.dial(identity, {
        onOpen: () => {
          this.readyState = 1;
          this.#call("open", {});
        },
        onText: (text) => {
          tell(identity.device, `hears ${text.slice(0, 400)}`);
          this.#witness.told(text);
          this.#call("message", { data: text });
        },
        onClose: (code, reason) => this.#closed(code, reason),
      });
      this.#witness = onDial(this.#link.connectionId);
    }

    addEventListener(name: string, listener: Listener): void {
      this.#listeners.set(name, [...(this.#listeners.get(name) ?? []), listener]);
    }

    send(text: string): void {
      tell(identity.device, `sends ${text.slice(0, 400)}`);
      this.#witness.sent(text);
      this.#link.send(text);
    }

    close(): void {
      if (this.readyState >= 2) return;
      this.#link.close();
      this.#closed(1000, "");
    }

    #closed(code: number, reason: string): void {
      this.readyState = 3;
      this.#call("close", { code, reason });
    }

    #call(name: string, event: Parameters<Listener>[0]): void {
      for (const listener of this.#listeners.get(name) ?? []) listener(event);
    }
  }
  return SimulatedSocket as unknown as new (url: string, protocols: string[]) => WebSocket;
}
