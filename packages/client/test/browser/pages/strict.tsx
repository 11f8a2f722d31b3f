/** Everything in StrictMode: a provider that owns its client, a request, and views of it that suspend. */
import { StrictMode, Suspense, use, useState, type ReactElement } from "react";
import { createRoot } from "react-dom/client";
import type { Run } from "@streamer/client";
import { StreamerProvider, useConnection, useRequest, useRun } from "@streamer/client/react";
import { expose, requestId, token, url } from "./settings.ts";

const root = createRoot(document.getElementById("root")!);
const late = Promise.withResolvers<void>();
expose({ unmount: () => root.unmount(), arrive: late.resolve });

function Follower({ id }: { readonly id: string }): ReactElement {
  const { status, progress, data, error } = useRun(id);
  return <p id="follower">{`${status} ${progress?.percentage ?? "-"} ${JSON.stringify(data ?? error?.code)}`}</p>;
}

function Late(): ReactElement {
  use(late.promise);
  return <p id="late" />;
}

function Outcome({ run }: { readonly run: Run }): ReactElement {
  return <p id="outcome">{JSON.stringify(use(run.result))}</p>;
}

function App(): ReactElement {
  const connection = useConnection();
  const { submit, cancel, reset, run, status, state, progress } = useRequest("lines");
  const [isFollowing, setFollowing] = useState(requestId !== undefined);
  const id = requestId ?? run?.id;
  return (
    <>
      <p id="connection">{connection.status}</p>
      <p id="request">{`${status} ${state?.status ?? "-"} ${progress?.percentage ?? "-"}`}</p>
      <button onClick={() => submit()}>Submit</button>
      <button onClick={cancel}>Cancel</button>
      <button onClick={reset}>Reset</button>
      <button onClick={() => setFollowing(!isFollowing)}>Toggle</button>
      {isFollowing && id !== undefined && (
        <Suspense fallback={<p id="not-yet" />}>
          <Follower id={id} />
          <Late />
        </Suspense>
      )}
      {run && (
        <Suspense fallback={<p id="no-outcome" />}>
          <Outcome run={run} />
        </Suspense>
      )}
    </>
  );
}

root.render(
  <StrictMode>
    <StreamerProvider url={url} options={{ token }}>
      <App />
    </StreamerProvider>
  </StrictMode>,
);
