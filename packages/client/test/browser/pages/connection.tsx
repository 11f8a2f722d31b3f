/** What a page tells of its connection, and of one request it follows. */
import type { ReactElement } from "react";
import { createRoot } from "react-dom/client";
import { StreamerProvider, useConnection, useRun } from "@streamer/client/react";
import { requestId, token, url } from "./settings.ts";

function App(): ReactElement {
  const connection = useConnection();
  const { status, data } = useRun(requestId);
  return (
    <>
      <p id="connection">{connection.status}</p>
      <p id="problem">{"error" in connection && connection.error?.message}</p>
      <p id="request">{`${status} ${JSON.stringify(data)}`}</p>
    </>
  );
}

createRoot(document.getElementById("root")!).render(
  <StreamerProvider url={url} options={{ token, reconnect: { baseMs: 600_000, capMs: 600_000 }, pongTimeoutMs: 500 }}>
    <App />
  </StreamerProvider>,
);
