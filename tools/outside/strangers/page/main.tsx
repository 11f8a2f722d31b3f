/** A page of one request: a bar that moves, a button that stops it. What it says is what tests look at. */
import { StreamerProvider, useRequest } from "@streamer/client/react";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

function Count() {
  const { submit, cancel, status, progress, data, error } = useRequest("count_words");
  return (
    <main>
      <button id="start" onClick={() => submit({ texts: Array.from({ length: 30 }, () => "one two three") }, { mode: "async" })}>
        Count
      </button>
      <button id="cancel" onClick={cancel}>
        Cancel
      </button>
      <progress max={100} value={progress?.percentage ?? 0} />
      <output>{data === undefined ? (error?.code ?? status) : JSON.stringify(data)}</output>
    </main>
  );
}

const { url, token } = (await (await fetch("/session")).json()) as { readonly url: string; readonly token: string };
createRoot(document.querySelector("#root")!).render(
  <StrictMode>
    <StreamerProvider url={url} options={{ token }}>
      <Count />
    </StreamerProvider>
  </StrictMode>,
);
