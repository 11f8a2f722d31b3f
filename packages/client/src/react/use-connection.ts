import { useSyncExternalStore } from "react";
import type { ConnectionState } from "../session.ts";
import { CONNECTING } from "./owned-client.ts";
import { useClient } from "./provider.ts";

/** Returns the state of the connection, and renders again when it changes. */
export function useConnection(): ConnectionState {
  const client = useClient();
  return useSyncExternalStore(
    client.onState,
    () => client.state,
    () => CONNECTING,
  );
}
