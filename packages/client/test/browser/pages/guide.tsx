/** The code of docs/guides/react.md, line by line. */
import { Suspense, use, useState } from "react";
import { createRoot } from "react-dom/client";
import type { Run, RunReference } from "@streamer/client";
import { createStreamerHooks, StreamerProvider } from "@streamer/client/react";
import type { handlers } from "../handlers.ts";
import { token, url as serverUrl } from "./settings.ts";

const fetchToken = (): Promise<string> => Promise.resolve(token);

const { useClient, useConnection, useRequest, useRun } = createStreamerHooks<typeof handlers>();

function Resize({ album }: { album: string }) {
  const { submit, cancel, status, progress, data, error } = useRequest("resize_images");
  switch (status) {
    case "idle":
      return <button onClick={() => submit({ album, width: 640 })}>Resize</button>;
    case "pending":
      return (
        <>
          <progress max={100} value={progress?.percentage} /> {progress?.message}
          <button onClick={cancel}>Cancel</button>
        </>
      );
    case "success":
      return <a href={data.url}>Download</a>;
    case "error":
      return <p role="alert">{error.message}</p>;
  }
}

function Album({ album }: { album: string }) {
  const [kept, setKept] = useState(() => localStorage.getItem(album));
  const { submit } = useRequest("resize_images");
  const { progress, data } = useRun<"resize_images">(kept === null ? undefined : (JSON.parse(kept) as RunReference));

  function start() {
    const reference = JSON.stringify(submit({ album, width: 640 }));
    localStorage.setItem(album, reference);
    setKept(reference);
  }

  if (data) return <a href={data.url}>Download</a>;
  return kept ? <progress max={100} value={progress?.percentage} /> : <button onClick={start}>Resize</button>;
}

function Download({ run }: { run: Run<{ url: string }> }) {
  const { url } = use(run.result);
  return <a href={url}>Download</a>;
}

function Finished({ id }: { id: string }) {
  const { run } = useRun<"resize_images">(id);
  return <Suspense fallback="Resizing…">{run && <Download run={run} />}</Suspense>;
}

function Offline() {
  const connection = useConnection();
  return connection.status === "waiting" ? <p role="status">Reconnecting… {connection.error.message}</p> : null;
}

function Latest() {
  const client = useClient();
  const [id, setId] = useState<string>();
  const findLatest = async (): Promise<void> => setId((await client.list({ limit: 1 })).items[0]?.id);
  return id === undefined ? <button onClick={() => void findLatest()}>Find</button> : <Finished id={id} />;
}

function App() {
  return (
    <>
      <div id="resize">
        <Resize album="one" />
      </div>
      <div id="album">
        <Album album="two" />
      </div>
      <div id="latest">
        <Latest />
      </div>
      <Offline />
    </>
  );
}

createRoot(document.getElementById("root")!).render(
  <StreamerProvider url={serverUrl} options={{ token: () => fetchToken() }}>
    <App />
  </StreamerProvider>,
);
