import { useSyncExternalStore } from "react";
import type { ConnectionState } from "../session.ts";
import { CONNECTING } from "./owned-client.ts";
import { useClient } from "./provider.ts";

/** The state of the connection, as `client.state` tells it. */
export function useConnection(): ConnectionState {
  const client = useClient();
  return useSyncExternalStore(
    client.onState,
    () => client.state,
    () => CONNECTING,
  );
}
