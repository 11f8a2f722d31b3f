/** The client that hooks below it use. */
import { createContext, createElement, useContext, useEffect, useMemo, useRef, type ReactElement, type ReactNode } from "react";
import type { Client } from "../client.ts";
import type { ConnectOptions } from "../options.ts";
import { createOwnedClient } from "./owned-client.ts";

type ChildrenProps = { readonly children?: ReactNode };
type OwningProps = ChildrenProps & {
  readonly url: string;
  /** The options of `connect`. The newest `token` is always used; the others are read when the client connects. */
  readonly options: ConnectOptions;
};

/** One typed by any handlers: `request` alone depends on them. */
type AnyClient = Omit<Client, "request">;

/** Either a client, or where to connect: then the provider connects when it is mounted and closes when it is unmounted. */
export type StreamerProviderProps = OwningProps | (ChildrenProps & { readonly client: AnyClient });

const ClientContext = createContext<Client | undefined>(undefined);

export function StreamerProvider(props: StreamerProviderProps): ReactElement {
  return "client" in props
    ? createElement(ClientContext.Provider, { value: props.client as Client }, props.children)
    : createElement(OwningProvider, props);
}

function OwningProvider({ url, options, children }: OwningProps): ReactElement {
  // Options are often written in place, another object at each render: only another address is another client.
  const latest = useRef(options);
  const owned = useMemo(() => createOwnedClient(url, () => latest.current), [url]);
  useEffect(() => {
    latest.current = options;
  });
  useEffect(() => owned.hold(), [owned]);
  return createElement(ClientContext.Provider, { value: owned.client }, children);
}

/** Returns the client, for everything that has no hook: `list`, `get`, `retry`. */
export function useClient(): Client {
  const client = useContext(ClientContext);
  if (!client) throw new Error("There is no <StreamerProvider> around this component; Streamer's hooks take their client from it.");
  return client;
}
